import Primitives

/// The members of a JSON object in the order in which their names first appeared.
///
/// Names are told apart by their bytes, as in JSON, not by Unicode equivalence, as `String` does.
/// Equality ignores the order, which carries no meaning.
///
/// A member that is removed leaves its slot, since to close the gap would move all behind it, and
/// their places in the index. The gaps are closed when they are more than what is left.
///
/// Invariants:
/// * No name is there twice.
/// * Without an index there are up to ``indexThreshold`` slots, all of them members.
/// * With one it holds the place of every member, and of nothing else; at least half of the slots
///   are members.
package struct JSONObject: Sendable {
    package struct Member: Sendable {
        package let name: String
        package fileprivate(set) var value: JSONValue
        /// Whether only the slot is left.
        fileprivate var isRemoved = false

        fileprivate init(name: String, value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    private var slots: [Member] = []
    private var index: [Name: Int]?

    /// Up to here, looking at each member is faster than hashing.
    private static let indexThreshold = 8

    package init() {}

    /// Made anew, at the cost of all slots, where some were removed.
    package var members: [Member] {
        count == slots.count ? slots : slots.filter { !$0.isRemoved }
    }

    package var count: Int { index?.count ?? slots.count }
    package var isEmpty: Bool { count == 0 }

    /// The value of `name`; nil when there is none. Setting an existing name keeps its place;
    /// setting nil removes it.
    package subscript(_ name: String) -> JSONValue? {
        get { position(of: name).map { slots[$0].value } }
        set {
            guard let newValue else {
                removeValue(forName: name)
                return
            }
            if let position = position(of: name) {
                slots[position].value = newValue
            } else {
                append(Member(name: name, value: newValue))
            }
        }
    }

    /// Changes the value of `name` in place, without copying it; `initial` is put there first when
    /// there is none.
    package mutating func withValue<Outcome, Failure: Error>(
        of name: String,
        default initial: @autoclosure () -> JSONValue,
        _ body: (inout JSONValue) throws(Failure) -> Outcome
    ) throws(Failure) -> Outcome {
        if position(of: name) == nil { append(Member(name: name, value: initial())) }
        let position = position(of: name) ?? slots.count - 1
        return try body(&slots[position].value)
    }

    /// - Returns: the removed value, nil when there was none.
    @discardableResult
    package mutating func removeValue(forName name: String) -> JSONValue? {
        guard let position = position(of: name) else { return nil }
        guard index != nil else { return slots.remove(at: position).value }
        index?[Name(name)] = nil
        let removed = slots[position].value
        slots[position].value = .null
        slots[position].isRemoved = true
        if count < slots.count - count {
            slots = members
            reindex()
        }
        return removed
    }

    private func position(of name: String) -> Int? {
        if let index { return index[Name(name)] }
        return slots.firstIndex { sameBytes($0.name, name) }
    }

    private mutating func append(_ member: Member) {
        slots.append(member)
        if index != nil {
            index?[Name(member.name)] = slots.count - 1
        } else {
            reindex()
        }
    }

    private mutating func reindex() {
        guard slots.count > Self.indexThreshold else {
            index = nil
            return
        }
        var positions: [Name: Int] = [:]
        positions.reserveCapacity(slots.count)
        for (position, member) in slots.enumerated() {
            positions[Name(member.name)] = position
        }
        index = positions
    }
}

extension JSONObject: Equatable {
    package static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.count == right.count
            && left.members.allSatisfy { right[$0.name] == $0.value }
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        for (name, value) in elements { self[name] = value }
    }
}
