import Primitives

/// The members of a JSON object in the order in which their names first appeared.
///
/// Names are told apart by their bytes, as in JSON, not by Unicode equivalence, as `String` does.
/// Equality ignores the order, which carries no meaning.
///
/// Invariants:
/// * No name is there twice.
/// * `index` is nil for up to ``indexThreshold`` members, and complete for more.
package struct JSONObject: Sendable {
    package struct Member: Sendable {
        package let name: String
        package fileprivate(set) var value: JSONValue
    }

    package private(set) var members: [Member] = []
    private var index: [Name: Int]?

    /// Up to here, looking at each member is faster than hashing.
    private static let indexThreshold = 8

    package init() {}

    package var count: Int { members.count }
    package var isEmpty: Bool { members.isEmpty }

    /// The value of `name`; nil when there is none. Setting an existing name keeps its place;
    /// setting nil removes it.
    package subscript(_ name: String) -> JSONValue? {
        get { position(of: name).map { members[$0].value } }
        set {
            guard let newValue else {
                removeValue(forName: name)
                return
            }
            if let position = position(of: name) {
                members[position].value = newValue
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
        let position = position(of: name) ?? members.count - 1
        return try body(&members[position].value)
    }

    /// - Returns: the removed value, nil when there was none.
    @discardableResult
    package mutating func removeValue(forName name: String) -> JSONValue? {
        guard let position = position(of: name) else { return nil }
        let removed = members.remove(at: position)
        reindex()
        return removed.value
    }

    private func position(of name: String) -> Int? {
        if let index { return index[Name(name)] }
        return members.firstIndex { sameBytes($0.name, name) }
    }

    private mutating func append(_ member: Member) {
        members.append(member)
        if index != nil {
            index?[Name(member.name)] = members.count - 1
        } else {
            reindex()
        }
    }

    private mutating func reindex() {
        guard members.count > Self.indexThreshold else {
            index = nil
            return
        }
        var positions: [Name: Int] = [:]
        positions.reserveCapacity(members.count)
        for (position, member) in members.enumerated() {
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
