import Events
import Primitives
import State

/// What the key-value state must be: a list of writes in the order in which they were made, of
/// which a crash may take some of the last.
struct StateModel {
    static let scope = "s"
    /// Of the keys whose values go by themselves.
    static let passingScope = "t"

    struct Write: Equatable {
        let key: String
        /// nil: deleted.
        let value: [UInt8]?
    }

    /// Every write that changed something.
    private(set) var writes: [Write] = []
    private(set) var values: [String: [UInt8]] = [:]
    /// How many of the writes somebody was told of.
    var promised = 0

    /// The number of the write that made a key what it is, counted from 1.
    private(set) var versions: [String: Int] = [:]
    /// The offsets of the writes' records.
    private var offsets: [UInt64] = []
    /// The writes whose record is in one batch with the next one.
    private var joined: Set<Int> = []

    /// The revision of a key; 0: there is no such key.
    func revision(of key: String) -> UInt64 {
        values[key] == nil ? 0 : versions[key].map { offsets[$0 - 1] } ?? 0
    }

    /// `isJoined`: a crash leaves this write and the next one, or none of the two.
    mutating func write(_ write: Write, at offset: UInt64, isJoined: Bool = false) {
        if isJoined { joined.insert(writes.count) }
        writes.append(write)
        offsets.append(offset)
        values[write.key] = write.value
        versions[write.key] = writes.count
    }

    /// Compares with the state records of a log and with the view folded from them; nil: both are
    /// right. From then on all of them are promised. `passing` keys of the view are of another
    /// scope.
    mutating func judge(
        _ events: [StateEvent],
        _ view: StateView,
        passing: Int
    ) -> String? {
        if events.count < promised {
            return "\(promised) writes of state promised, \(events.count) recovered"
        }
        if events.count > writes.count {
            return "\(events.count) writes of state recovered, \(writes.count) made"
        }
        for (place, event) in events.enumerated() where Write(event) != writes[place] {
            return "state record \(place) is not the write that was made"
        }
        if joined.contains(events.count - 1) { return "half of a transaction was recovered" }
        let kept = Array(zip(writes, offsets)).prefix(events.count)
        writes = []
        offsets = []
        values = [:]
        versions = [:]
        joined = joined.filter { $0 < events.count }
        for (entry, offset) in kept { write(entry, at: offset) }
        promised = events.count
        let keys = view.keyCount - passing
        if keys != values.count { return "\(keys) keys, not \(values.count)" }
        for (key, value) in values {
            guard let entry = view.entry(scope: Self.scope, key: key) else {
                return "state \(key) is gone"
            }
            // What is not in memory is in the record, which was compared.
            if let kept = entry.value, kept != value {
                return "state \(key) is not what was written last"
            }
        }
        return nil
    }
}

extension StateModel.Write {
    init(_ event: StateEvent) {
        switch event {
        case .set(let set): self.init(key: set.key, value: set.value)
        case .deleted(let deleted): self.init(key: deleted.key, value: nil)
        }
    }
}
