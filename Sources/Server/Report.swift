import CommitLog
import Engine
import Glibc
import JSON
import NetServer
import Primitives

/// What the engine tells its operator: a few lines at the start and the end, and what goes wrong in
/// between. Plain text, or one JSON object a line.
struct Report: Sendable {
    let isJSON: Bool

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
        line(.info, "started", text)
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
            next: III_URL=ws://\(worker) python3 worker.py
            """
        )
    }

    func stopping(_ signal: Int32) {
        let name = signal == SIGINT ? "SIGINT" : "SIGTERM"
        line(
            .info,
            "stopping",
            "\(name): taking no new work, waiting for what runs; once more to stop at once"
        )
    }

    func stopped() { line(.info, "stopped", "stopped, log closed in order") }

    func token(_ token: String, path: String) {
        line(
            .info,
            "token",
            "peers beyond loopback need the token \(token)\nIt is kept in \(path) and not shown again."
        )
    }

    let notice: @Sendable (Notice) -> Void

    init(isJSON: Bool) {
        self.isJSON = isJSON
        notice = { Self.write($0.severity, "notice", $0.text, isJSON: isJSON) }
    }

    func fatal(_ text: String) { line(.error, "fatal", text) }

    private func line(_ severity: Notice.Severity, _ event: String, _ text: String) {
        Self.write(severity, event, text, isJSON: isJSON)
    }

    private static func write(
        _ severity: Notice.Severity,
        _ event: String,
        _ text: String,
        isJSON: Bool
    ) {
        var bytes: [UInt8]
        if isJSON {
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
            json.endObject()
            bytes = json.finish().bytes
        } else {
            bytes = Array((severity == .info ? text : "\(severity.rawValue): \(text)").utf8)
        }
        bytes.append(UInt8(ascii: "\n"))
        // One call, so that lines of several threads do not mix.
        _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
    }
}
