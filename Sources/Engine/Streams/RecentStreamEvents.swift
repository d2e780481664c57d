import DequeModule
package import Events
import Primitives
import Stream

/// The youngest events of all streams, for subscribers that come back after a moment: they need not
/// wait for the disk.
///
/// Invariant: every event of a stream from `floor` on is here.
struct RecentStreamEvents {
    private struct Entry {
        let event: StreamEvent
        let offset: Offset
        let time: Timestamp
        /// Once somebody was told: those who come back together share it.
        var message: StreamMessage?
    }

    private(set) var floor: Offset
    private var entries: Deque<Entry> = []
    private var bytes = 0

    private static let countMax = 1024
    private static let bytesMax = 4 << 20

    /// Events from `floor` on will be added.
    init(from floor: Offset) { self.floor = floor }

    mutating func add(
        _ event: StreamEvent,
        at offset: Offset,
        time: Timestamp,
        _ message: StreamMessage?
    ) {
        entries.append(Entry(event: event, offset: offset, time: time, message: message))
        bytes += event.dataBytes
        while entries.count > Self.countMax || bytes > Self.bytesMax,
            let oldest = entries.popFirst()
        {
            bytes -= oldest.event.dataBytes
            floor = oldest.offset.advanced(by: 1)
        }
    }

    /// What a subscription has missed from `start` on; nil: it is not all here, or more than can be
    /// told at once.
    mutating func messages(from start: Offset, for join: StreamJoin) -> [StreamMessage]? {
        guard start >= floor else { return nil }
        var messages: [StreamMessage] = []
        var bytes = 0
        var place = entries.partitionPoint { $0.offset >= start }
        while place < entries.count {
            let entry = entries[place]
            if join.wants(entry.event) {
                bytes += entry.event.dataBytes
                guard messages.count < Limits.streamWaiting / 2,
                    bytes <= Limits.streamWaitingBytes / 2
                else { return nil }
                let message =
                    entry.message
                    ?? StreamMessage(
                        StreamEnvelope(entry.event, at: entry.offset, time: entry.time)
                    )
                entries[place].message = message
                messages.append(message)
            }
            place += 1
        }
        return messages
    }
}

extension StreamJoin {
    /// Whether it is told of an event (services 1, D.3).
    package func wants(_ event: StreamEvent) -> Bool {
        guard event.group == group else { return false }
        guard let item else { return true }
        return event.item.map { $0.utf8.elementsEqual(item.utf8) } ?? false
    }
}

extension Deque {
    /// The first place from which on `isBehind` holds, where it holds from some place on.
    fileprivate func partitionPoint(_ isBehind: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isBehind(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
