import Engine
import Primitives

/// Something that an operator should look at: what, where, and the way out.
struct LiveProblem: Equatable {
    enum Severity: String { case critical, warning, info }

    let id: String
    let severity: Severity
    let what: String
    let place: String
    let wayOut: String
    /// In the web app.
    let link: String

    /// How long a message may wait without being told of.
    private static let patience = Timestamp.Span.seconds(60)
    /// A batch that takes longer to the disk is told of, in milliseconds.
    private static let slowSync = 1000.0
    /// Records that may wait for the disk.
    private static let lag: UInt64 = 100_000
    /// As many as anybody reads.
    private static let limit = 200

    /// The worst first.
    static func all(
        _ picture: EnginePicture,
        _ triggers: [EnginePicture.Trigger],
        _ rates: LiveRates
    ) -> [LiveProblem] {
        var found = storage(picture, rates)
        for queue in picture.queues { found += problems(of: queue, now: picture.now) }
        for trigger in triggers where trigger.isParked || !trigger.isServed {
            found.append(problem(of: trigger))
        }
        let order: [Severity] = [.critical, .warning, .info]
        return Array(order.flatMap { level in found.filter { $0.severity == level } }.prefix(limit))
    }

    private static func storage(_ picture: EnginePicture, _ rates: LiveRates) -> [LiveProblem] {
        var found: [LiveProblem] = []
        if let shortage = picture.log.shortage {
            found.append(
                LiveProblem(
                    id: "storage",
                    severity: .critical,
                    what: "New work is refused with STORAGE_FULL",
                    place: shortage,
                    wayOut: "Make room on the disk; the engine then goes on by itself",
                    link: "#/log"
                )
            )
        }
        if let slowest = rates.slowestSync, slowest > slowSync {
            found.append(
                LiveProblem(
                    id: "device",
                    severity: .warning,
                    what: "The disk took \(Int(slowest)) ms for a batch",
                    place: "the log",
                    wayOut: "Everybody waits for it: see what else uses the device",
                    link: "#/log"
                )
            )
        }
        let waiting = picture.log.staged.rawValue - picture.log.durable.rawValue
        if waiting > lag {
            found.append(
                LiveProblem(
                    id: "lag",
                    severity: .warning,
                    what: "More than \(lag) records wait for the disk",
                    place: "the log",
                    wayOut: "The device is slower than what comes in",
                    link: "#/log"
                )
            )
        }
        return found
    }

    private static func problems(of queue: EnginePicture.Queue, now: Timestamp) -> [LiveProblem] {
        var found: [LiveProblem] = []
        let link = "#/queues/\(escaped(queue.name))"
        let dead = queue.counts.dead
        if dead > 0 {
            found.append(
                LiveProblem(
                    id: "dead:\(queue.name)",
                    severity: .critical,
                    what: dead == 1 ? "1 dead letter" : "\(dead) dead letters",
                    place: "queue \(queue.name)",
                    wayOut: "See why they failed, then redrive or discard them",
                    link: link
                )
            )
        }
        for put in queue.unserved {
            let count = put.count == 1 ? "1 message waits" : "\(put.count) messages wait"
            found.append(
                LiveProblem(
                    id: "unserved:\(queue.name):\(put.function)",
                    severity: .critical,
                    what: "\(count) for \(put.function.id), which no worker serves",
                    place: "queue \(queue.name)",
                    wayOut: "Start a worker that registers \(put.function.id); they are "
                        + "delivered then",
                    link: link
                )
            )
        }
        if queue.unserved.isEmpty, let oldest = queue.oldest,
            oldest.distance(to: now) > patience
        {
            found.append(
                LiveProblem(
                    id: "slow:\(queue.name)",
                    severity: .warning,
                    what: "The oldest message has waited for more than a minute",
                    place: "queue \(queue.name)",
                    wayOut: "Raise the queue's concurrency, or run more workers",
                    link: link
                )
            )
        }
        return found
    }

    private static func problem(of trigger: EnginePicture.Trigger) -> LiveProblem {
        let link = "#/triggers/\(escaped(trigger.id))"
        if trigger.isParked {
            return LiveProblem(
                id: "parked:\(trigger.id)",
                severity: .warning,
                what: "Nobody serves the trigger type \(trigger.type)",
                place: "trigger \(trigger.id) of \(trigger.function.id)",
                wayOut: "Start the worker that provides \(trigger.type)",
                link: link
            )
        }
        return LiveProblem(
            id: "trigger:\(trigger.id)",
            severity: .critical,
            what: "No worker serves \(trigger.function.id), which this trigger runs",
            place: "\(trigger.type) trigger \(trigger.id)",
            wayOut: "Start a worker that registers \(trigger.function.id)",
            link: link
        )
    }

    /// For a part of an address's fragment.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "."), UInt8(ascii: ":"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                result += digits.utf8.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return result
    }
}
