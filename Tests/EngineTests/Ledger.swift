import Events
import Primitives

/// A second, naive reading of the log's queue records: what the records themselves contradict.
struct Ledger {
    struct Entry {
        var attempt: UInt32 = 0
        var failures: UInt32 = 0
        var isDead = false
    }

    private(set) var receipts: Set<UUID128> = []
    /// What is pending or dead.
    private(set) var queues: [String: [Offset: Entry]] = [:]
    private(set) var deliveries: [Delivered] = []
    private(set) var findings: [String] = []

    mutating func read(_ event: Event, at offset: Offset) {
        guard case .queue(let event) = event else { return }
        switch event {
        case .defined(let event): queues[event.queue, default: [:]] = queues[event.queue] ?? [:]
        case .enqueued(let event):
            if !receipts.insert(event.receipt).inserted { findings.append("a receipt twice") }
            queues[event.queue, default: [:]][offset] = Entry()
        case .delivered(let event):
            deliveries.append(event)
            change(event.queue, event.message, "delivered") { entry in
                defer { entry.attempt = event.attempt }
                return event.attempt >= entry.attempt && event.attempt == entry.failures + 1
            }
        case .retried(let event):
            change(event.queue, event.message, "retried") { entry in
                defer { entry.failures = event.failures }
                return event.failures == entry.failures + 1
            }
        case .deadLettered(let event):
            change(event.queue, event.message, "dead") { entry in
                entry.isDead = true
                return event.failures == entry.failures + 1
            }
        case .redriven(let event):
            change(event.queue, event.message, "redriven") { entry in
                defer { entry = Entry() }
                return entry.isDead
            }
            queues[event.queue]?[event.message]?.isDead = false
        case .acked(let event):
            change(event.queue, event.message, "acked") { !$0.isDead }
            queues[event.queue]?[event.message] = nil
        case .discarded(let event):
            change(event.queue, event.message, "discarded") { $0.isDead }
            queues[event.queue]?[event.message] = nil
        case .purged(let event):
            for message in event.messages {
                change(event.queue, message, "purged") { $0.isDead == event.areDead }
                queues[event.queue]?[message] = nil
            }
        case .subscribed, .unsubscribed: break
        }
    }

    private mutating func change(
        _ queue: String,
        _ message: Offset,
        _ what: String,
        _ body: (inout Entry) -> Bool
    ) {
        guard var entry = queues[queue]?[message] else {
            findings.append("message \(message) is \(what), but not there")
            return
        }
        if entry.isDead, what != "redriven", what != "discarded" {
            findings.append("message \(message) is \(what), but dead")
        }
        if !body(&entry) { findings.append("message \(message) is \(what) out of turn: \(entry)") }
        queues[queue]?[message] = entry
    }
}
