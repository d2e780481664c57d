import DequeModule
import Primitives

/// The spans that records stand below which begin no work, but may lead to some: the youngest.
///
/// Invariant: no more than `limit`, in the order of the log.
struct RecentPlaces {
    private struct Place {
        let record: Offset
        let span: UInt64
    }

    private var places: Deque<Place> = []
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    /// `record` is behind all of before; nothing is kept where it stands below no span.
    mutating func note(_ record: Offset, below span: UInt64) {
        guard span != 0 else { return }
        places.append(Place(record: record, span: span))
        if places.count > limit { places.removeFirst() }
    }

    /// The span that a record stands below; nil: none that is known.
    subscript(_ record: Offset) -> UInt64? {
        var (low, high) = (0, places.count)
        while low < high {
            let middle = low + (high - low) / 2
            if places[middle].record < record { low = middle + 1 } else { high = middle }
        }
        guard low < places.count, places[low].record == record else { return nil }
        return places[low].span
    }
}
