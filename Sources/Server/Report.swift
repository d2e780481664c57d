import CommitLog
import Engine
import Glibc
import JSON
import NetServer
import Primitives

/// What the engine tells its operator: a few lines at the start and the end, and what goes wrong in
/// between. Plain text, or one JSON object a line, in which the facts of a start are members, too,
/// named as in `/api/status`; below `[observability] log_level` it says nothing. In text, words of
/// others (of functions, workers and clients) begin no line and move no cursor. Nobody who says
/// something waits for it to be read, but whoever says the last of a process, for a while.
struct Report: Sendable {
    private let isJSON: Bool
    private let sink: ReportOutput

    func opened(_ recovery: RecoveryReport, _ configuration: Configuration) {
        var text = "iii \(Server.version), data in \(configuration.engine.data)"
        switch configuration.engine.durability {
        case .sync:
            text += "\ndurability sync: nothing leaves before its record is on disk"
        case .interval(let span):
            text +=
                "\ndurability=relaxed interval: answers may leave up to \(span.milliseconds) ms "
                + "before their records are on disk, and a crash may lose what was acknowledged"
        }
        text += "\nlog by \(recovery.backend): "
        if recovery.isNew {
            text += "new"
        } else {
            let end = recovery.next.rawValue
            if let snapshot = recovery.snapshot { text += "snapshot of offset \(snapshot), " }
            text += "\(recovery.recordsReplayed) records replayed"
            text += end == 0 ? "" : ", last offset \(end - 1)"
            if recovery.offsetsLost > 0 {
                text += ", offsets lost and given up: \(recovery.offsetsLost)"
            }
            text += recovery.wasClean ? ", closed in order" : ", not closed in order"
            text += ", \(recovery.torn?.byteCount ?? 0) bytes of an unfinished write cut"
        }
        line(.info, "started", text) { json in
            json.key("version")
            json.string(Server.version)
            json.key("data")
            json.string(configuration.engine.data)
            json.key("durability")
            json.string(configuration.engine.durability.text)
            json.key("recovery")
            json.raw(recovery.json)
        }
        if let warning = recovery.warning { line(.warning, "manifest_rebuilt", warning) }
    }

    func listening(_ listeners: Listeners, _ configuration: Configuration) {
        let worker = listeners.workers[0].address
        let others = listeners.workers.dropFirst().map { " and ws://\($0.address)" }.joined()
        let http = listeners.http.address
        let stream = listeners.stream.address
        let scheme = configuration.http.tlsCertificate == nil ? "http" : "https"
        let dashboard =
            listeners.dashboard.map { "\ndashboard on http://\($0.address)" } ?? ""
        line(
            .info,
            "listening",
            """
            workers on ws://\(worker)\(others)
            HTTP triggers on \(scheme)://\(http)
            streams on ws://\(stream)\(dashboard)
            \(listeners.nextStep(configuration))
            """
        ) { json in
            json.key("addresses")
            json.beginObject()
            for (name, address) in listeners.addresses {
                json.key(name)
                json.string(address)
            }
            json.endObject()
            json.key("worker_listeners")
            json.beginArray()
            for listener in listeners.workers.dropFirst() { json.string("\(listener.address)") }
            json.endArray()
        }
        if let plain = configuration.plaintextWarning { line(.warning, "no_tls", plain) }
        // Whoever waits for the ports file finds all of the start told.
        sink.flush()
    }

    /// What is remarkable about a configuration.
    func warn(_ warnings: [ConfigurationWarning]) {
        for warning in warnings {
            notice(Notice(severity: .warning, paragraph: "\(warning)"))
        }
    }

    /// `cause` is the signal that asks for it.
    func stopping(_ cause: String) {
        line(
            .info,
            "stopping",
            "\(cause): beginning no new requests, deliveries or cron runs; what runs may end, and "
                + "its calls go on; once more to stop at once"
        )
    }

    /// The last line of a process that ends in order.
    func stopped() {
        line(.info, "stopped", "stopped, log closed in order", isLast: true)
        sink.flush()
    }

    func token(_ token: String, path: String) {
        line(
            .info,
            "token",
            "peers beyond loopback need the token \(token)\nIt is kept in \(path) and not shown again."
        )
    }

    let notice: @Sendable (Notice) -> Void
    private let least: Configuration.LogLevel

    /// Says what is at least as severe as `least`, to an open file.
    init(
        isJSON: Bool,
        least: Configuration.LogLevel = .info,
        to file: Int32 = STDERR_FILENO
    ) {
        self.isJSON = isJSON
        self.least = least
        let sink = ReportOutput(file) { lost in
            let text = "\(lost) lines are missing here: nobody read what was said before them"
            return Self.line(.warning, "notice", text, isJSON: isJSON)
        }
        self.sink = sink
        notice = { notice in
            guard notice.severity.isAtLeast(least) else { return }
            let text = isJSON ? notice.text : Self.text(of: notice)
            sink.say(Self.line(notice.severity, "notice", text, notice.trace, isJSON: isJSON))
        }
    }

    init(_ configuration: Configuration.Observability, isJSON: Bool) {
        self.init(
            isJSON: isJSON || configuration.logFormat == .json,
            least: configuration.logLevel
        )
    }

    /// The last of a process that has to end, whatever the level.
    func fatal(_ text: String, code: String) {
        let line =
            isJSON
            ? Self.line(.error, "fatal", text, isJSON: true) { json in
                json.key("code")
                json.string(code)
            } : "error[\(code)]: \(text.visibleLines)"
        sink.say(line, isLast: true)
        sink.flush()
    }

    private func line(
        _ severity: Notice.Severity,
        _ event: String,
        _ text: String,
        isLast: Bool = false,
        members: (inout JSONBuilder) -> Void = { _ in }
    ) {
        guard severity.isAtLeast(least) else { return }
        let line = Self.line(severity, event, text, isJSON: isJSON, members: members)
        sink.say(line, isLast: isLast)
    }

    /// `members` writes what an object of JSON has beside the members that all have.
    private static func line(
        _ severity: Notice.Severity,
        _ event: String,
        _ text: String,
        _ trace: TraceID? = nil,
        isJSON: Bool,
        members: (inout JSONBuilder) -> Void = { _ in }
    ) -> String {
        guard isJSON else {
            let trace = trace.map { " trace=\($0)" } ?? ""
            return "\(severity == .info ? "" : "\(severity.rawValue): ")\(text)\(trace)"
        }
        var json = JSONBuilder()
        json.beginObject()
        json.key("time")
        json.string(SystemClock().now().wall.rfc3339())
        json.key("severity")
        json.string(severity.rawValue)
        json.key("event")
        json.string(event)
        json.key("message")
        json.string(text)
        if let trace {
            json.key("trace_id")
            json.string(trace.description)
        }
        members(&json)
        json.endObject()
        return String(decoding: json.finish().bytes, as: UTF8.self)
    }

    /// Says what a worker process has written, a line at a time, whatever the level.
    func output(of process: String, _ line: String) {
        guard isJSON else { return sink.say(Self.text(ofOutput: line, of: process)) }
        sink.say(
            Self.line(.info, "output", line, isJSON: true) { json in
                json.key("process")
                json.string(process)
            }
        )
    }

    // MARK: Words of others, as text

    static func text(of notice: Notice) -> String {
        notice.lines.map(\.visible).joined(separator: "\n")
    }

    static func text(ofOutput line: String, of process: String) -> String {
        // Traces of stacks have tabs, which do no harm here.
        let parts = line.split(separator: "\t", omittingEmptySubsequences: false)
        return "\(process) | " + parts.map { String($0).visible }.joined(separator: "\t")
    }

    // MARK: What workers log

    /// Says lines of workers, as they are listed.
    func echo(_ echoes: (lines: [JSONText], lost: UInt64)) {
        for line in echoes.lines where Self.severity(line) >= least.number {
            sink.say(isJSON ? Self.json(line) : Self.text(line))
        }
        guard echoes.lost > 0 else { return }
        let text = "\(echoes.lost) lines of workers came too fast to be said here; they are listed"
        notice(Notice(severity: .warning, text: text))
    }

    private static func severity(_ line: JSONText) -> Int64 {
        // Who does not say is heard.
        let number = line.member("severity_number")?.numberValue?.int64Value ?? 0
        return number == 0 ? .max : number
    }

    private static func time(_ line: JSONText) -> String {
        let time = line.member("timestamp_unix_nano")?.numberValue?.int64Value ?? 0
        return Timestamp(nanoseconds: time).rfc3339()
    }

    static func text(_ line: JSONText) -> String {
        func member(_ name: String) -> String { line.member(name)?.stringValue ?? "" }
        var text = "\(time(line)) \(member("severity_text")) \(member("service_name")): "
        text += member("body")
        if let attributes = line.member("attributes"), attributes != .emptyObject {
            text += " \(attributes)"
        }
        if let trace = line.member("trace_id")?.stringValue { text += " trace=\(trace)" }
        return text.visible
    }

    private static func json(_ line: JSONText) -> String {
        var json = JSONBuilder()
        json.beginObject()
        json.key("time")
        json.string(time(line))
        json.key("severity")
        json.raw(line.member("severity_text") ?? .null)
        json.key("event")
        json.string("log")
        for (name, member) in [
            ("message", "body"), ("service", "service_name"), ("trace_id", "trace_id"),
            ("span_id", "span_id"), ("attributes", "attributes"),
        ] {
            guard let value = line.member(member), !value.isNull else { continue }
            json.key(name)
            json.raw(value)
        }
        json.endObject()
        return String(decoding: json.finish().bytes, as: UTF8.self)
    }
}

extension Configuration.LogLevel {
    /// OpenTelemetry's severity number.
    fileprivate var number: Int64 {
        switch self {
        case .trace: 1
        case .debug: 5
        case .info: 9
        case .warn: 13
        case .error: 17
        }
    }
}

extension Notice.Severity {
    fileprivate func isAtLeast(_ level: Configuration.LogLevel) -> Bool {
        let number: Int64 =
            switch self {
            case .info: 9
            case .warning: 13
            case .error: 17
            }
        return number >= level.number
    }
}
