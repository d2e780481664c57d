import Events
import HeapModule
import JSON
package import Primitives

// MARK: Deciding over calls that read many keys.

extension Limits {
    /// Keys of one page of `state::entries`, at most, and when nobody says how many.
    static let stateEntries: Int64 = 1000
    static let stateEntriesUsual: Int64 = 100
    /// A page ends behind the value with which it has so many bytes.
    static let statePageBytes = 1 << 20
    /// Keys that one call of `state::get_many` may name.
    static let stateGetMany = 1000
}

extension StateView {
    func decideList(
        scope: Name,
        _ read: ReadValue
    ) throws(ErrorBody) -> StateDecision {
        let values = try values(inScope: scope.text, read)
        let result = FunctionResult.value(StateAnswer.list(values))
        return StateDecision(reply: .ready(result), after: changed(scope))
    }

    /// The values of a scope, in the order in which their keys came.
    ///
    /// - Throws: what `read` threw, and `payload_too_large` where they are more than a message
    ///   holds: as soon as that is known, since the core waits for what is read.
    package func values(
        inScope scope: String,
        _ read: ReadValue
    ) throws(ErrorBody) -> [[UInt8]] {
        let entries = scopes[Name(scope)]?.inOrder.map(\.entry) ?? []
        var values = entries.map { $0.value ?? [] }
        // Each with its comma.
        var bytes = values.reduce(0) { $0 + $1.count + 1 }
        try Self.checkList(bytes)
        // In the order of the log: what lies together is read together.
        let missing = entries.indices.filter { entries[$0].value == nil }
            .sorted { entries[$0].version < entries[$1].version }
        for index in missing {
            values[index] = try read(entries[index].version)
            bytes += values[index].count
            try Self.checkList(bytes)
        }
        return values
    }

    private static func checkList(_ bytes: Int) throws(ErrorBody) {
        guard bytes > Limits.messageBytes else { return }
        throw ErrorBody(
            code: "payload_too_large",
            message: "the values have more than \(Limits.messageBytes) bytes, which no message "
                + "holds; ask for pages of them"
        )
    }

    func decideListGroups() -> StateDecision {
        let result = FunctionResult.value(StateAnswer.groups(scopes.sortedNames))
        return StateDecision(reply: .ready(result), after: groupsChanged)
    }

    /// A page of a scope in the order of the keys' bytes.
    func decideEntries(_ call: StateCall, _ read: ReadValue) throws(ErrorBody) -> StateDecision {
        try call.refuseOthers(than: ["scope", "prefix", "key_prefix", "cursor", "limit"])
        let name = try call.name("scope")
        let prefix = Name(try call.prefix())
        let cursor = try call.optionalText("cursor").map { Name($0) }
        let limit = Int(
            try call.count("limit", usual: Limits.stateEntriesUsual, most: Limits.stateEntries)
        )
        guard let scope = scopes[name] else {
            let result = FunctionResult.value(StateAnswer.page([], cursor: nil))
            return StateDecision(reply: .ready(result), after: changed(name))
        }
        // One more than asked for: it tells of the next page.
        let keys = scope.keys(prefix: prefix, after: cursor, limit: limit + 1)
        let listed = keys.prefix(limit)
        let entries = listed.compactMap { scope.entries[$0] }
        precondition(entries.count == listed.count)
        var bytes = 0
        var page: [StateAnswer.Row] = []
        for (key, entry) in zip(listed, entries) {
            // Values of a page are read one by one, so that a page of large ones ends early.
            let value = try value(of: entry, read)
            page.append(
                StateAnswer.Row(
                    key: key,
                    value: value,
                    revision: entry.version,
                    expires: scope.expiries[key]
                )
            )
            bytes += value.count + key.text.utf8.count
            if bytes >= Limits.statePageBytes { break }
        }
        let isLast = page.count == keys.count
        let result = StateAnswer.page(page, cursor: isLast ? nil : page.last?.key)
        return StateDecision(reply: .ready(.value(result)), after: changed(name))
    }

    /// The values of several keys at one time.
    func decideGetMany(_ call: StateCall, _ read: ReadValue) throws(ErrorBody) -> StateDecision {
        let places = try call.places()
        var after: Offset?
        var answers: [[UInt8]] = []
        var bytes = 0
        for place in places {
            let entry = entry(at: place)
            if let seen = entry?.version ?? changed(place.scope) {
                after = max(after ?? seen, seen)
            }
            let value = try entry.map { (entry) throws(ErrorBody) in
                try self.value(of: entry, read)
            }
            bytes += value?.count ?? 0
            guard bytes <= Limits.stateValueBytes else {
                throw call.failure(
                    "the values have more than \(Limits.stateValueBytes) bytes; ask for fewer"
                )
            }
            answers.append(
                StateAnswer.revised(
                    value,
                    entry?.version.rawValue ?? 0,
                    expiry(at: place)
                )
            )
        }
        let result = StateAnswer.values(answers)
        return StateDecision(reply: .ready(.value(result)), after: after)
    }
}

extension Scope {
    /// The first keys behind `cursor` that begin with `prefix`, in the order of their bytes.
    /// Without a whole index it looks at every key, and sorts only those.
    fileprivate func keys(prefix: Name, after cursor: Name?, limit: Int) -> [Name] {
        if let index, index.isWhole {
            return index.page(prefix: prefix, after: cursor, limit: limit)
        }
        var heap = Heap<Name>()
        entries.forEach { key, _ in
            if let cursor, !(cursor < key) { return }
            guard key.text.utf8.starts(with: prefix.text.utf8) else { return }
            if heap.count < limit {
                heap.insert(key)
            } else if let largest = heap.max, key < largest {
                heap.replaceMax(with: key)
            }
        }
        return heap.unordered.sorted()
    }
}
