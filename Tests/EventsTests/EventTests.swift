import Primitives
import RecordFormat
import Testing

@testable import Events

extension Event {
    /// The bytes of its payload.
    var payload: [UInt8] {
        var counter = ByteWriter(UnsafeMutableRawBufferPointer(start: nil, count: 0))
        encode(into: &counter)
        var bytes = [UInt8](repeating: 0, count: counter.count)
        bytes.withUnsafeMutableBytes { memory in
            var writer = ByteWriter(memory)
            encode(into: &writer)
        }
        return bytes
    }

    static func decode(_ kind: UInt8, _ payload: [UInt8]) throws -> Event? {
        try payload.withUnsafeBytes { try Event(kind: kind, payload: $0) }
    }
}

@Suite("Events as bytes")
struct EventTests {
    @Test(
        "every kind reads what it wrote, and passes over what comes behind",
        arguments: EventKind.allCases
    )
    func roundTrip(kind: EventKind) throws {
        for seed in 0..<UInt64(100) {
            var generator = EventGenerator(seed: seed)
            let event = generator.event(kind)
            #expect(event.kind == kind)
            let payload = event.payload
            #expect(try Event.decode(kind.rawValue, payload) == event, "seed \(seed)")
            let longer = payload + generator.bytes()
            #expect(try Event.decode(kind.rawValue, longer) == event, "seed \(seed)")
        }
    }

    @Test("a payload that ends early is an error and no trap", arguments: EventKind.allCases)
    func truncation(kind: EventKind) {
        for seed in 0..<UInt64(8) {
            var generator = EventGenerator(seed: seed)
            let event = generator.event(kind)
            let payload = event.payload
            let short = shortForms(event)
            for length in payload.indices where !short.contains(length) {
                #expect(throws: DecodeError.self, "seed \(seed), \(length) bytes") {
                    try Event.decode(kind.rawValue, Array(payload.prefix(length)))
                }
            }
        }
    }

    /// Where the payload ended in versions that knew fewer fields.
    private func shortForms(_ event: Event) -> [Int] {
        var counter = ByteWriter(UnsafeMutableRawBufferPointer(start: nil, count: 0))
        switch event {
        case .cron(.skipped), .queue(.defined), .queue(.unsubscribed), .queue(.purged),
            .alertChanged:
            return [event.byteCount - 1]
        case .invoked(let invoked):
            let flags = invoked.parent == 0 ? 0 : invoked.flags == nil ? 1 : 2
            counter.varint(invoked.parent)
            let withoutFlags = event.byteCount - flags
            return [withoutFlags - counter.count, withoutFlags]
        case .queue(.enqueued(let event)):
            let parent = event.parent == nil ? 1 : 10
            return [Event.queue(.enqueued(event)).byteCount - parent]
        case .triggered(let event):
            for text in [event.type, event.trigger, event.summary] { counter.text(text) }
            counter.text(event.function.namespace)
            counter.text(event.function.id)
            counter.bytes(event.event)
            // And those that named no parent.
            let parent = event.parent == nil ? 1 : 10
            return [counter.count, Event.triggered(event).byteCount - parent]
        case .spanReported(let span):
            counter.bytes(span.resource)
            counter.forms(of: span.attributes)
            return [event.byteCount - counter.count - 1, event.byteCount - counter.count]
        case .metricReported(let metric):
            counter.bytes(metric.resource)
            for point in metric.points { point.encodeRest(into: &counter) }
            return [event.byteCount - counter.count - 1, event.byteCount - counter.count]
        case .state(.set(let set)):
            for text in [set.scope, set.key] { counter.text(text) }
            counter.bytes(set.value)
            counter.text(set.function)
            return [counter.count]
        case .state(.deleted(let deleted)):
            for text in [deleted.scope, deleted.key] { counter.text(text) }
            return [counter.count]
        default: break
        }
        guard case .logged(let line) = event else { return [] }
        counter.byte(line.severity)
        counter.text(line.severityText)
        counter.text(line.body)
        counter.text(line.service)
        counter.varint(line.span)
        counter.bytes(line.attributes)
        return [counter.count, event.byteCount - 1]
    }

    @Test("a log line of the first versions is read, without what they did not write")
    func shortLogLine() throws {
        let old: [UInt8] = [9, 1, 0x49, 1, 0x62, 1, 0x73, 7, 2, 0x7B, 0x7D]
        guard case .logged(let line) = try Event.decode(EventKind.logged.rawValue, old) else {
            Issue.record("not a log line")
            return
        }
        #expect(line.body == "b")
        #expect(line.span == 7)
        #expect(line.time.nanoseconds == 0)
        #expect(line.resource == [])
        #expect(line.scope == TelemetryScope())
    }

    @Test("an end of a subscription of the first versions dropped what was left")
    func shortUnsubscribed() throws {
        let old: [UInt8] = [1, 0x74, 1, 0x6E, 1, 0x66]
        let expected = Unsubscribed(
            topic: "t",
            function: FunctionName(namespace: "n", id: "f"),
            keepsMessages: false
        )
        let event = try Event.decode(EventKind.unsubscribed.rawValue, old)
        #expect(event == .queue(.unsubscribed(expected)))
    }

    @Test("a purge of the first versions dropped what waited")
    func shortPurged() throws {
        let old: [UInt8] = [1, 0x71, 0, 1, 5]
        let expected = Purged(queue: "q", by: nil, messages: [Offset(5)])
        #expect(try Event.decode(EventKind.purged.rawValue, old) == .queue(.purged(expected)))
    }

    @Test("no bytes trap the decoder", arguments: EventKind.allCases)
    func noise(kind: EventKind) {
        var generator = EventGenerator(seed: UInt64(kind.rawValue))
        for _ in 0..<400 {
            var payload = generator.event(kind).payload
            for _ in 0..<3 where !payload.isEmpty {
                let place = Int(generator.entropy.next() % UInt64(payload.count))
                payload[place] = UInt8(truncatingIfNeeded: generator.entropy.next())
            }
            _ = try? Event.decode(kind.rawValue, payload)
            _ = try? Event.decode(kind.rawValue, generator.bytes())
        }
    }

    @Test("a kind of a later version is passed over")
    func unknownKind() throws {
        let known = Set(EventKind.allCases.map(\.rawValue))
        for kind in UInt8.min...UInt8.max where !known.contains(kind) {
            #expect(try Event.decode(kind, [1, 2, 3]) == nil)
        }
    }

    @Test("the numbers of the kinds are for ever")
    func kinds() {
        let numbers: [EventKind: UInt8] = [
            .started: 1, .stopped: 2, .stopping: 3,
            .workerJoined: 16, .workerDescribed: 17, .workerLeft: 18, .functionRegistered: 19,
            .functionUnregistered: 20, .triggerRegistered: 21, .triggerUnregistered: 22,
            .triggerTypeRegistered: 23, .triggerTypeUnregistered: 24, .triggerBound: 25,
            .triggerUnbound: 26,
            .triggered: 32, .invoked: 33, .completed: 34, .responded: 35,
            .requestKeyed: 36, .requestKept: 37, .requestReleased: 38, .requestRepeated: 39,
            .queueDefined: 48, .subscribed: 49, .unsubscribed: 50, .enqueued: 51, .delivered: 52,
            .acked: 53, .retried: 54, .deadLettered: 55, .redriven: 56, .discarded: 57,
            .purged: 58,
            .stateSet: 64, .stateDeleted: 65,
            .streamSet: 96, .streamDeleted: 97, .streamSent: 98, .streamRelayed: 99,
            .cronFired: 80, .cronSkipped: 81, .cronWatched: 82, .cronForgotten: 83,
            .cronPaused: 84, .cronResumed: 85,
            .logged: 112, .spanReported: 113, .metricReported: 114,
            .configurationRegistered: 116, .configurationSet: 117, .configurationDeleted: 118,
            .configurationFileTaken: 119,
            .alertChanged: 120, .telemetryCleared: 121,
        ]
        #expect(numbers.count == EventKind.allCases.count)
        for (kind, number) in numbers { #expect(kind.rawValue == number) }
    }

    @Test("the delay doubles with each failure, up to a week")
    func delays() {
        let settings = QueueSettings.standard
        let week = Timestamp.Span.seconds(7 * 86_400)
        let seconds = (1...5).map { settings.delay(afterFailures: $0).milliseconds / 1000 }
        #expect(seconds == [1, 2, 4, 8, 16])
        #expect(settings.delay(afterFailures: 20).milliseconds == 524_288_000)
        for failures in [21, 40, UInt32.max] {
            #expect(settings.delay(afterFailures: failures) == week)
        }
        let endless = QueueSettings(
            fifo: false,
            concurrency: 1,
            attempts: 3,
            backoff: .milliseconds(.max),
            groupField: nil
        )
        #expect(endless.delay(afterFailures: 1) == week)
    }
}
