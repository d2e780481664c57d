import DequeModule
import HeapModule
import Primitives

/// The messages of a queue that can be delivered, the oldest first.
///
/// New messages come in ascending order and wait in `fresh`; those that come back (a retry, a
/// crash, a worker that appeared) are older than what waits and go through `returned`.
///
/// An entry stands for one turn of its message. It is stale, and passed over, once the message is
/// no longer waiting or has had another turn since: a message that waits behind its group, or
/// twice, must not be found by what an earlier turn left here.
struct ReadyQueue {
    private var fresh: Deque<Entry> = []
    private var returned: Heap<Entry> = []

    private struct Entry: Comparable {
        let message: Message
        let turn: UInt32

        var isStale: Bool { !message.isWaiting || message.turn != turn }

        static func < (left: Entry, right: Entry) -> Bool {
            left.message.offset < right.message.offset
        }
        static func == (left: Entry, right: Entry) -> Bool {
            left.message === right.message && left.turn == right.turn
        }
    }

    mutating func append(_ message: Message) { fresh.append(begin(message)) }

    mutating func reinsert(_ message: Message) { returned.insert(begin(message)) }

    private func begin(_ message: Message) -> Entry {
        message.turn &+= 1
        return Entry(message: message, turn: message.turn)
    }

    /// The oldest waiting message; it stays where it is.
    mutating func first() -> Message? {
        dropStale()
        guard let back = returned.min?.message else { return fresh.first?.message }
        guard let front = fresh.first?.message else { return back }
        return back.offset < front.offset ? back : front
    }

    /// The messages that entries stand for, in their two orders.
    var inOrder: [Message] { fresh.lazy.filter { !$0.isStale }.map(\.message) }
    var comingBack: [Message] {
        returned.unordered.filter { !$0.isStale }.map(\.message).sorted { $0.offset < $1.offset }
    }

    /// Forgets the entries in front that stand for no message any more. Called whenever a message
    /// is handed out, this keeps recovery from holding all that was ever enqueued.
    mutating func dropStale() {
        while let entry = returned.min, entry.isStale { returned.removeMin() }
        while let entry = fresh.first, entry.isStale { fresh.removeFirst() }
    }
}
