import Primitives
import RecordFormat

/// What a pass that need not see every record looks for. Who visits the records may ask for more:
/// it is found from there on. A class, because both the pass and its visitor have it.
final class Search {
    /// A question to one table of every index.
    struct Key: Hashable {
        let table: IndexTable
        let range: ClosedRange<UInt64>

        init(_ table: IndexTable, _ range: ClosedRange<UInt64>) {
            self.table = table
            self.range = range
        }

        init(_ table: IndexTable, _ key: UInt64) { self.init(table, key...key) }
    }

    /// In the order in which they were asked for, each once.
    private(set) var keys: [Key] = []
    private var known: Set<Key> = []

    private func add(_ key: Key) {
        if known.insert(key).inserted { keys.append(key) }
    }

    func add(trace: TraceID) { add(Key(.traces, IndexKey.trace(trace))) }

    /// Traces whose text begins with `prefix`, at least 6 hexadecimal digits.
    func add(prefix: String) { add(Key(.traces, IndexKey.traces(prefix: prefix))) }

    /// An invocation or a receipt.
    func add(id: UUID128) { add(Key(.ids, IndexKey.id(id))) }

    /// What `offset` led to, as far as it does not have its trace.
    func add(effectsOf offset: Offset) { add(Key(.links, offset.rawValue)) }

    /// What the log says about a worker.
    func add(worker: UUID128) { add(Key(.workers, IndexKey.id(worker))) }

    /// Writes of a key of the state.
    func add(scope: String, key: String) {
        add(Key(.places, IndexKey.place(scope: scope, key: key)))
    }

    /// Writes that cannot be read: they may be of any key.
    func addUnreadableWrites() { add(Key(.places, IndexKey.unreadable)) }

    func addStarts() { add(Key(.workers, IndexKey.started)) }
}

/// The keys of an index's tables. What they are made of is part of the format: see
/// `RecordFormat.docc`. Two ids may share a key: who reads the records looks at the ids themselves.
enum IndexKey {
    /// 24 bits that the id begins with, then 24 of its hash: found by a prefix, and told apart also
    /// where ids begin with the time.
    static func trace(_ trace: TraceID) -> UInt64 {
        var hash = ContentHash()
        hash.add(trace.high)
        hash.add(trace.low)
        return (trace.high >> 40) << 24 | hash.value >> 40
    }

    /// The keys of the traces that begin with these hexadecimal digits.
    static func traces(prefix: String) -> ClosedRange<UInt64> {
        let digits = prefix.prefix(6)
        let first = (UInt64(digits, radix: 16) ?? 0) << UInt64(48 - 4 * digits.count)
        let count = UInt64(1) << UInt64(48 - 4 * digits.count)
        return first...first + count - 1
    }

    /// 32 bits of the id's hash.
    static func id(_ id: UUID128) -> UInt64 {
        var hash = ContentHash()
        hash.add(id.high)
        hash.add(id.low)
        return hash.value >> 32
    }

    /// 32 bits of the hash of a scope and a key, each with its length.
    static func place(scope: String, key: String) -> UInt64 {
        var hash = ContentHash()
        hash.add(scope)
        hash.add(key)
        return hash.value >> 32
    }

    /// Among workers: the starts of engines.
    static let started: UInt64 = 1 << 32

    /// Among places: writes whose payloads are not what their kinds say.
    static let unreadable: UInt64 = 1 << 32
}
