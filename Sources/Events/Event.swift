import Primitives
package import RecordFormat

/// What one record says: everything that may be logged is one of these.
///
/// A record carries the outcome of a decision, never a request to decide again. Kinds and fields
/// are only ever added: a decoder ignores bytes after the fields it knows, and a reader keeps and
/// passes over kinds that it does not know.
package protocol EventBody: Equatable, Sendable {
    static var kind: EventKind { get }
    func encode(into writer: inout ByteWriter)
    init(from reader: inout ByteReader) throws(DecodeError)
}

/// The `kind` byte of a record. Numbers are for ever; gaps are room for each family.
package enum EventKind: UInt8, CaseIterable, Sendable {
    case started = 1
    case stopped = 2
    case stopping = 3

    case workerJoined = 16
    case workerDescribed = 17
    case workerLeft = 18
    case functionRegistered = 19
    case functionUnregistered = 20
    case triggerRegistered = 21
    case triggerUnregistered = 22
    case triggerTypeRegistered = 23
    case triggerTypeUnregistered = 24
    case triggerBound = 25
    case triggerUnbound = 26

    case triggered = 32
    case invoked = 33
    case completed = 34
    case responded = 35

    case requestKeyed = 36
    case requestKept = 37
    case requestReleased = 38
    case requestRepeated = 39

    case queueDefined = 48
    case subscribed = 49
    case unsubscribed = 50
    case enqueued = 51
    case delivered = 52
    case acked = 53
    case retried = 54
    case deadLettered = 55
    case redriven = 56
    case discarded = 57
    case purged = 58

    case stateSet = 64
    case stateDeleted = 65

    case cronFired = 80
    case cronSkipped = 81
    case cronWatched = 82
    case cronForgotten = 83
    case cronPaused = 84
    case cronResumed = 85

    case streamSet = 96
    case streamDeleted = 97
    case streamSent = 98
    case streamRelayed = 99

    case logged = 112
    case spanReported = 113
    case metricReported = 114

    case configurationRegistered = 116
    case configurationSet = 117
    case configurationDeleted = 118
    case configurationFileTaken = 119

    case alertChanged = 120
    case telemetryCleared = 121
}

extension EventKind {
    /// Whether it is what is told about the work, and nothing of the work itself.
    package var isTelemetry: Bool {
        switch self {
        case .logged, .spanReported, .metricReported, .alertChanged, .telemetryCleared: true
        default: false
        }
    }
}

/// A decoded event of any kind.
///
/// Events are handed on by value. Those that are larger than a message's, and rare beside them, are
/// kept elsewhere, so that all others are not as large.
package enum Event: Equatable, Sendable {
    case started(Started)
    case stopped(Stopped)
    case stopping(Stopping)
    case workerJoined(WorkerJoined)
    case workerDescribed(WorkerDescribed)
    case workerLeft(WorkerLeft)
    case functionRegistered(FunctionRegistered)
    case functionUnregistered(FunctionUnregistered)
    case triggerRegistered(TriggerRegistered)
    case triggerUnregistered(TriggerUnregistered)
    case triggerTypeRegistered(TriggerTypeProvision)
    case triggerTypeUnregistered(TriggerTypeProvision)
    case triggerBound(TriggerBound)
    case triggerUnbound(TriggerUnbound)
    indirect case triggered(Triggered)
    case invoked(Invoked)
    case completed(Completed)
    case responded(Responded)
    case request(RequestEvent)
    case queue(QueueEvent)
    case state(StateEvent)
    case cron(CronEvent)
    case stream(StreamEvent)
    case configuration(ConfigurationEvent)
    indirect case logged(Logged)
    indirect case spanReported(SpanReported)
    indirect case metricReported(MetricReported)
    case alertChanged(AlertChanged)
    case telemetryCleared(TelemetryCleared)
}

extension Event {
    /// Decodes a record.
    package init?(_ record: RecordView) throws(DecodeError) {
        try self.init(kind: record.kind, payload: record.payload)
    }

    /// Decodes a record's payload.
    ///
    /// - Returns: nil for a kind that this version does not know.
    /// - Throws: ``DecodeError`` when the payload ends before its fields do.
    package init?(kind: UInt8, payload: UnsafeRawBufferPointer) throws(DecodeError) {
        guard let kind = EventKind(rawValue: kind) else { return nil }
        var reader = ByteReader(payload)
        self = try Self.decode(kind, from: &reader)
    }

    private static func decode(
        _ kind: EventKind,
        from reader: inout ByteReader
    ) throws(DecodeError) -> Event {
        switch kind {
        case .started: .started(try Started(from: &reader))
        case .stopped: .stopped(try Stopped(from: &reader))
        case .stopping: .stopping(try Stopping(from: &reader))
        case .workerJoined: .workerJoined(try WorkerJoined(from: &reader))
        case .workerDescribed: .workerDescribed(try WorkerDescribed(from: &reader))
        case .workerLeft: .workerLeft(try WorkerLeft(from: &reader))
        case .functionRegistered: .functionRegistered(try FunctionRegistered(from: &reader))
        case .functionUnregistered: .functionUnregistered(try FunctionUnregistered(from: &reader))
        case .triggerRegistered: .triggerRegistered(try TriggerRegistered(from: &reader))
        case .triggerUnregistered: .triggerUnregistered(try TriggerUnregistered(from: &reader))
        case .triggerTypeRegistered: .triggerTypeRegistered(try TriggerTypeProvision(from: &reader))
        case .triggerTypeUnregistered:
            .triggerTypeUnregistered(try TriggerTypeProvision(from: &reader))
        case .triggerBound: .triggerBound(try TriggerBound(from: &reader))
        case .triggerUnbound: .triggerUnbound(try TriggerUnbound(from: &reader))
        case .triggered: .triggered(try Triggered(from: &reader))
        case .invoked: .invoked(try Invoked(from: &reader))
        case .completed: .completed(try Completed(from: &reader))
        case .responded: .responded(try Responded(from: &reader))
        case .requestKeyed, .requestKept, .requestReleased, .requestRepeated:
            .request(try RequestEvent(kind, from: &reader))
        case .queueDefined: .queue(.defined(try QueueDefined(from: &reader)))
        case .subscribed: .queue(.subscribed(try Subscribed(from: &reader)))
        case .unsubscribed: .queue(.unsubscribed(try Unsubscribed(from: &reader)))
        case .enqueued: .queue(.enqueued(try Enqueued(from: &reader)))
        case .delivered: .queue(.delivered(try Delivered(from: &reader)))
        case .acked: .queue(.acked(try Acked(from: &reader)))
        case .retried: .queue(.retried(try Retried(from: &reader)))
        case .deadLettered: .queue(.deadLettered(try DeadLettered(from: &reader)))
        case .redriven: .queue(.redriven(try Redriven(from: &reader)))
        case .discarded: .queue(.discarded(try Discarded(from: &reader)))
        case .purged: .queue(.purged(try Purged(from: &reader)))
        case .stateSet: .state(.set(try StateSet(from: &reader)))
        case .stateDeleted: .state(.deleted(try StateDeleted(from: &reader)))
        case .cronFired: .cron(.fired(try CronFired(from: &reader)))
        case .cronSkipped: .cron(.skipped(try CronSkipped(from: &reader)))
        case .streamSet: .stream(.set(try StreamSet(from: &reader)))
        case .streamDeleted: .stream(.deleted(try StreamDeleted(from: &reader)))
        case .streamSent: .stream(.sent(try StreamSent(from: &reader)))
        case .streamRelayed: .stream(.relayed(try StreamRelayed(from: &reader)))
        case .cronWatched: .cron(.watched(try CronMark(from: &reader)))
        case .cronForgotten: .cron(.forgotten(try CronMark(from: &reader)))
        case .cronPaused: .cron(.paused(try CronMark(from: &reader)))
        case .cronResumed: .cron(.resumed(try CronMark(from: &reader)))
        case .logged: .logged(try Logged(from: &reader))
        case .spanReported: .spanReported(try SpanReported(from: &reader))
        case .metricReported: .metricReported(try MetricReported(from: &reader))
        case .alertChanged: .alertChanged(try AlertChanged(from: &reader))
        case .telemetryCleared: .telemetryCleared(try TelemetryCleared(from: &reader))
        case .configurationRegistered, .configurationSet, .configurationDeleted,
            .configurationFileTaken:
            .configuration(try ConfigurationEvent(kind, from: &reader))
        }
    }
}

// MARK: Fields that several events share

extension ByteWriter {
    mutating func function(_ name: FunctionName) {
        text(name.namespace)
        text(name.id)
    }

    mutating func error(_ error: ErrorBody) {
        text(error.code)
        text(error.message)
        text(error.stacktrace)
    }

    mutating func result(_ result: FunctionResult) {
        switch result {
        case .none: byte(0)
        case .value(let value):
            byte(1)
            bytes(value)
        case .failure(let failure):
            byte(2)
            error(failure)
        }
    }
}

extension ByteReader {
    mutating func function() throws(DecodeError) -> FunctionName {
        let namespace = try text()
        return FunctionName(namespace: namespace, id: try text())
    }

    mutating func error() throws(DecodeError) -> ErrorBody {
        let code = try text()
        let message = try text()
        return ErrorBody(code: code, message: message, stacktrace: try optionalText())
    }

    mutating func result() throws(DecodeError) -> FunctionResult {
        switch try byte() {
        case 0: .none
        case 1: .value(try bytes())
        default: .failure(try error())
        }
    }

    mutating func timestamp() throws(DecodeError) -> Timestamp {
        Timestamp(nanoseconds: try i64())
    }

    mutating func offset() throws(DecodeError) -> Offset { Offset(try u64()) }
}

extension ByteWriter {
    /// 0, or 1 and the name.
    mutating func optionalFunction(_ name: FunctionName?) {
        guard let name else { return byte(0) }
        byte(1)
        function(name)
    }
}

extension ByteReader {
    mutating func optionalFunction() throws(DecodeError) -> FunctionName? {
        try byte() == 0 ? nil : try function()
    }
}
