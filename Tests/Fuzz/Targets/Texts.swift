import ConfigurationEntries
import Cron
import Events
import HTTP
import HTTPFunctions
import JSON
import LogTools
import NetServer
import Observability
import Observe
import Primitives
import RecordFormat

extension FuzzTarget {
    /// What people and programs write.
    static let texts = [
        FuzzTarget("json", json),
        FuzzTarget("http", http),
        FuzzTarget("otlp-logs", logs),
        FuzzTarget("otlp-spans", spans),
        FuzzTarget("otlp-metrics", metrics),
        FuzzTarget("history-id") { bytes in
            _ = try? HistoryID(text(bytes))
            return nil
        },
        FuzzTarget("time") { bytes in
            _ = try? TimeExpression.parse(text(bytes), now: Timestamp(seconds: 1_800_000_000))
            return nil
        },
        FuzzTarget("accepted-loss") { bytes in
            guard let loss = try? AcceptedLoss(text(bytes)) else { return nil }
            let again = try? AcceptedLoss(loss.description)
            return again == loss ? nil : "\(loss) is read again as \(String(describing: again))"
        },
        FuzzTarget("cron", cron),
        FuzzTarget("time-zone", timeZone),
        FuzzTarget("web-address", webAddress),
        FuzzTarget("filter", filter),
        FuzzTarget("schema", schema),
        FuzzTarget("args-format", argsFormat),
    ]

    private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        String(decoding: bytes, as: UTF8.self)
    }

    /// A schema, and a value behind the first new line, which is held against it.
    private static func schema(_ bytes: UnsafeRawBufferPointer) -> String? {
        let lines = bytes.split(
            separator: UInt8(ascii: "\n"),
            maxSplits: 1,
            omittingEmptySubsequences: false
        )
        guard lines.count == 2, let text = try? JSONText(validating: Array(lines[0])),
            let value = try? JSONText(validating: Array(lines[1])).value()
        else { return nil }
        // Nothing is relied on that reading a schema sees to.
        let schema = (try? Schema(text)) ?? Schema(taken: text)
        let found = schema.violation(of: value)
        return found == schema.violation(of: value) ? nil : "\(text) is of two minds about \(value)"
    }

    /// A URL that is taken is read the same from what is sent of it.
    private static func webAddress(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard let url = WebAddress(text(bytes)) else { return nil }
        let scheme = url.isSecure ? "https" : "http"
        let sent = "\(scheme)://\(url.authority)\(url.target)"
        guard let again = WebAddress(sent), again == url else {
            return "\(url) is sent as \(sent), and read as something else"
        }
        return nil
    }

    private static func json(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard let json = try? JSONText(validating: [UInt8](bytes)) else { return nil }
        guard let again = try? JSONText(validating: json.bytes), again == json else {
            return "\(json) is not valid, or not as it is"
        }
        let value = json.value()
        let compact = value.text
        guard let valid = try? JSONText(validating: compact.bytes, depthLimit: .max) else {
            return "\(compact) is not valid"
        }
        if valid.value() != value { return "\(json) is \(value), and \(valid.value()) compact" }
        _ = json.member("a")
        _ = json.elements
        _ = json.stringValue
        return nil
    }

    /// A request in lines: method, target, header value; the rest is the body.
    private static func http(_ bytes: UnsafeRawBufferPointer) -> String? {
        let lines = bytes.split(
            separator: UInt8(ascii: "\n"),
            maxSplits: 3,
            omittingEmptySubsequences: false
        )
        guard lines.count == 4 else { return nil }
        func line(_ index: Int) -> String { String(decoding: lines[index], as: UTF8.self) }
        let target = HTTPTarget(line(1))
        let request = HTTPRequest(
            method: line(0),
            path: target.path,
            query: target.query,
            headers: [("content-type", line(2)), ("cookie", line(2)), ("x", line(0))],
            body: [UInt8](lines[3])
        )
        let match = routes.match(method: request.method, path: request.path)
        guard case .found(let trigger, let parameters) = match else { return nil }
        let event = HTTPEvent(request, trigger: trigger, parameters: parameters)
        for text in [event.input, event.logged] {
            guard let valid = try? JSONText(validating: text.bytes, depthLimit: .max),
                valid == text
            else { return "the event is not valid: \(text)" }
        }
        return nil
    }

    private static let routes: Router = {
        var router = Router()
        for (number, path) in ["a", "a/:b", "a/:b/c", ":x/:y/:z", ""].enumerated() {
            let config = JSONText(trusted: Array(#"{"api_path":"\#(path)"}"#.utf8))
            let function = FunctionName(namespace: "", id: "f")
            let trigger = try? HTTPTrigger(
                id: "\(number)",
                function: function,
                config: config,
                metadata: nil
            )
            if let trigger { try? router.add(trigger) }
        }
        return router
    }()

    private static func logs(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard let export = try? JSONText(validating: [UInt8](bytes)) else { return nil }
        for line in OTLPLogs.decode(export) {
            guard (try? JSONText(validating: line.record.attributes, depthLimit: .max)) != nil
            else {
                return "attributes that are no JSON: \(line)"
            }
        }
        return nil
    }

    private static func spans(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard let export = try? JSONText(validating: [UInt8](bytes)) else { return nil }
        for span in OTLPSpans.decode(export, hiding: { $0 }) {
            for json in [span.record.events, span.record.links] {
                guard (try? JSONText(validating: json, depthLimit: .max)) != nil else {
                    return "events or links that are no JSON: \(span)"
                }
            }
            if let flaw = roundTrip(.spanReported(span.record)) { return flaw }
        }
        return nil
    }

    private static func metrics(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard let export = try? JSONText(validating: [UInt8](bytes)) else { return nil }
        for metric in OTLPMetrics.decode(export) {
            if let flaw = roundTrip(.metricReported(metric)) { return flaw }
        }
        return nil
    }

    /// What comes in is recorded, and read back as it was.
    private static func roundTrip(_ event: Event) -> String? {
        let copy = encoded { (writer: inout ByteWriter) in event.encode(into: &writer) }
        let again = copy.withUnsafeBytes { try? Event(kind: event.kind.rawValue, payload: $0) }
        return again == event ? nil : "\(event) is read again as \(String(describing: again))"
    }

    /// Eight bytes, an instant; then the schedule.
    private static func cron(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard let cron = try? CronExpression(text(dropping(8, of: bytes))) else { return nil }
        let instant = Timestamp(nanoseconds: Int64(bitPattern: number(bytes)))
        if let next = cron.next(after: instant), next <= instant {
            return "\(cron) is next at \(next), not behind \(instant)"
        }
        return nil
    }

    /// A file of the time zone database: whatever it says, slots go forward.
    private static func timeZone(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard let zone = TimeZoneRules(name: "Z", tzif: [UInt8](bytes)) else { return nil }
        for text in ["30 2 * * *", "*/15 * * * *"] {
            guard let expression = try? CronExpression(text) else { continue }
            let schedule = CronSchedule(expression, in: zone)
            var slot = Timestamp(seconds: 1_900_000_000)
            for _ in 0..<8 {
                guard let next = schedule.next(after: slot) else { break }
                if next <= slot { return "\(text) is next at \(next), not behind \(slot)" }
                slot = next
            }
        }
        return nil
    }

    /// A filter in the first line, an event's input in the second.
    private static func filter(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard let (first, second) = jsonLines(bytes), let filter = try? Filter(first) else {
            return nil
        }
        let event = Filter.Document(input: second, metadata: second)
        let holds = filter.matches(event)
        let negated = JSONText(trusted: Array(#"{"$not":"#.utf8) + first.bytes + [0x7D])
        // It may be at its limits already.
        guard let opposite = try? Filter(negated) else { return nil }
        return opposite.matches(event) == holds ? "\(first) and its opposite agree" : nil
    }

    /// A schema in the first line, args in the second.
    private static func argsFormat(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard let (schema, args) = jsonLines(bytes) else { return nil }
        _ = ArgsFormat(schema).violation(by: args)
        return nil
    }

    private static func jsonLines(
        _ bytes: UnsafeRawBufferPointer
    ) -> (first: JSONText, second: JSONText)? {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: 1)
        guard lines.count == 2, let first = try? JSONText(validating: [UInt8](lines[0])),
            let second = try? JSONText(validating: [UInt8](lines[1]))
        else { return nil }
        return (first, second)
    }
}
