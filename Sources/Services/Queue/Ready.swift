import DequeModule
import HeapModule
import Primitives

/// The messages of a queue that can be delivered, the oldest first.
///
/// New messages come in ascending order and wait in `fresh`; those that come back (a retry, a
/// crash, a worker that appeared) are older than what waits and go through `returned`. An entry
/// whose message is no longer waiting is stale and passed over.
struct Ready {
    private var fresh: Deque<Message> = []
    private var returned: Heap<Entry> = []

    private struct Entry: Comparable {
        let message: Message
        static func < (left: Entry, right: Entry) -> Bool {
            left.message.offset < right.message.offset
        }
        static func == (left: Entry, right: Entry) -> Bool { left.message === right.message }
    }

    mutating func append(_ message: Message) { fresh.append(message) }

    mutating func comeBack(_ message: Message) { returned.insert(Entry(message: message)) }

    /// The oldest waiting message; it stays where it is.
    mutating func first() -> Message? {
        while let entry = returned.min, !entry.message.isWaiting { returned.removeMin() }
        while let message = fresh.first, !message.isWaiting { fresh.removeFirst() }
        guard let back = returned.min?.message else { return fresh.first }
        guard let front = fresh.first else { return back }
        return back.offset < front.offset ? back : front
    }

    /// Takes away `message`, which ``first()`` just returned.
    mutating func removeFirst(_ message: Message) {
        if returned.min?.message === message {
            returned.removeMin()
        } else {
            precondition(fresh.first === message, "only the first message can be taken")
            fresh.removeFirst()
        }
    }
}
