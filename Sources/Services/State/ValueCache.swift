import DequeModule
import Primitives

/// Which values are in memory, the oldest first: what is written last is likely to be asked for
/// next. The values themselves are with their keys.
///
/// Invariants:
/// * `used` counts the bytes of all values in memory, each with ``overhead``.
/// * Every value in memory has an entry. The value of any other entry has gone, and `gone` has its
///   version.
struct ValueCache: Sendable {
    private let bytes: Int
    private var used = 0
    private var values = 0
    private var entries: Deque<Entry> = []
    /// Versions whose values were overwritten or deleted since entries were last sorted out.
    private var gone = OffsetSet()

    private struct Entry: Sendable {
        let place: StatePlace
        let version: Offset
    }

    /// What a value takes beside its bytes.
    private static let overhead = 96

    init(bytes: Int) { self.bytes = bytes }

    /// Whether a value of `count` bytes is worth keeping: one that takes most of the room is not.
    func admit(_ count: Int) -> Bool { bytes == .max || count + Self.overhead <= bytes / 4 }

    var isOverfull: Bool { used > bytes }

    mutating func kept(_ count: Int, at place: StatePlace, version: Offset) {
        used += count + Self.overhead
        values += 1
        // Where nothing is ever evicted, nobody needs to know what is the oldest.
        if bytes < .max { entries.append(Entry(place: place, version: version)) }
    }

    /// The value of `count` bytes that the record at `version` wrote was overwritten or deleted.
    mutating func dropped(_ count: Int, version: Offset) {
        evicted(count)
        if bytes < .max { gone.insert(version) }
    }

    /// The value of `count` bytes, whose entry was taken out, is no longer in memory.
    mutating func evicted(_ count: Int) {
        used -= count + Self.overhead
        values -= 1
    }

    /// Takes the oldest entry out, whose value may have gone; nil: there is none.
    mutating func oldest() -> (StatePlace, Offset)? {
        entries.popFirst().map { ($0.place, $0.version) }
    }

    /// For tests: what is known of values beside the values.
    var remembered: Int { entries.count + gone.count }

    /// For tests: traps where what is in memory, in bytes each, is not what was counted.
    func checkInvariants(_ kept: [Int]) {
        precondition(values == kept.count)
        precondition(used == kept.reduce(0) { $0 + $1 + Self.overhead })
        precondition(!isOverfull)
        precondition(bytes == .max || entries.count >= values)
        precondition(entries.count <= values + gone.count)
    }

    /// Forgets the entries whose values have gone, where they are the most: a key that is written
    /// again and again must not fill the memory. Versions are compared, not looked up by name: that
    /// was a sixth of what a write cost the core. And forgets versions whose entries went as the
    /// oldest, once they may be more than the entries.
    mutating func tidy() {
        guard entries.count > 2 * values + 1024 || gone.count > entries.count + 1024 else { return }
        entries = Deque(entries.filter { !gone.contains($0.version) })
        gone = OffsetSet()
    }
}
