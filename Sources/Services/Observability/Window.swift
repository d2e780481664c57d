import DequeModule
import Primitives

/// The youngest of what came in: so many, of so many bytes, for so long.
///
/// Invariants:
/// * `bytes` is the sum of the entries'.
/// * An entry keeps its number for as long as it is here; numbers only grow.
struct Window<Element: Sendable>: Sendable {
    struct Bounds: Equatable, Sendable {
        var count: Int
        var bytes: Int
        /// nil: however long.
        var age: Timestamp.Span?
    }

    struct Entry: Sendable {
        var element: Element
        fileprivate(set) var bytes: Int
        /// When it came.
        let received: Timestamp
    }

    private(set) var bounds: Bounds
    private(set) var entries: Deque<Entry> = []
    private(set) var bytes = 0
    /// The number of the oldest entry.
    private(set) var first: UInt64 = 0

    init(_ bounds: Bounds) { self.bounds = bounds }

    /// The number of the next entry.
    var next: UInt64 { first + UInt64(entries.count) }

    /// Takes `element`; `dropped` is called for each that has to make room, the oldest first.
    mutating func append(
        _ element: Element,
        bytes: Int,
        at time: Timestamp,
        dropping dropped: (Element) -> Void = { _ in }
    ) {
        entries.append(Entry(element: element, bytes: bytes, received: time))
        self.bytes += bytes
        trim(now: time, dropping: dropped)
    }

    /// Puts another element in the place of one that is still here.
    mutating func replace(_ number: UInt64, with element: Element, bytes: Int) {
        precondition(number >= first && number < next)
        let place = Int(number - first)
        self.bytes += bytes - entries[place].bytes
        entries[place].element = element
        entries[place].bytes = bytes
    }

    /// Takes the `count` oldest out, or as many as there are.
    mutating func take(_ count: Int) -> [Entry] {
        let taken = Array(entries.prefix(count))
        entries.removeFirst(taken.count)
        first += UInt64(taken.count)
        bytes -= taken.reduce(0) { $0 + $1.bytes }
        return taken
    }

    subscript(_ number: UInt64) -> Element? {
        guard number >= first, number < next else { return nil }
        return entries[Int(number - first)].element
    }

    /// Drops what is too old.
    mutating func trim(now: Timestamp, dropping dropped: (Element) -> Void = { _ in }) {
        while let oldest = entries.first, isTooMuch || isTooOld(oldest, now) {
            entries.removeFirst()
            bytes -= oldest.bytes
            first += 1
            dropped(oldest.element)
        }
    }

    /// From now on no more than that is kept.
    mutating func bound(
        by bounds: Bounds,
        now: Timestamp,
        dropping dropped: (Element) -> Void = { _ in }
    ) {
        self.bounds = bounds
        trim(now: now, dropping: dropped)
    }

    mutating func removeAll() {
        first = next
        entries = []
        bytes = 0
    }

    private var isTooMuch: Bool { entries.count > bounds.count || bytes > bounds.bytes }

    private func isTooOld(_ entry: Entry, _ now: Timestamp) -> Bool {
        guard let age = bounds.age else { return false }
        return entry.received.distance(to: now) > age
    }
}
