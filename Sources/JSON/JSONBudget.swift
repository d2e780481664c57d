import Primitives

/// What holding one value against a schema may take, and the comparisons that take most of it.
///
/// Everything that is looked at counts one, and long texts one more for every 64 bytes, so that no
/// schema and no value, however they are made, keep the thread that checks them for long.
package struct JSONBudget: Sendable {
    /// Nothing is left.
    package struct Spent: Error {
        package init() {}
    }

    /// What is left of it.
    package var left: Int

    /// The bytes of a text that count as much as a value.
    private static let bytesOfStep = 64

    package init(_ left: Int) { self.left = left }

    /// - Throws: when nothing is left.
    package mutating func spend(_ count: Int) throws(Spent) {
        left -= count
        guard left > 0 else { throw Spent() }
    }

    /// Counts down for a text whose bytes are looked at.
    package mutating func spend(on text: String) throws(Spent) {
        try spend(1 + text.utf8.count / Self.bytesOfStep)
    }

    /// Equality as JSON Schema has it: `1` is `1.0`.
    package mutating func isSame(_ left: JSONValue, _ right: JSONValue) throws(Spent) -> Bool {
        try spend(1)
        switch (left, right) {
        case (.number(let left), .number(let right)): return left.isSame(as: right)
        case (.string(let left), .string(let right)):
            guard left.utf8.count == right.utf8.count else { return false }
            try spend(on: left)
            return sameBytes(left, right)
        case (.array(let left), .array(let right)):
            guard left.count == right.count else { return false }
            for (left, right) in zip(left, right) {
                guard try isSame(left, right) else { return false }
            }
            return true
        case (.object(let left), .object(let right)):
            guard left.count == right.count else { return false }
            for member in left.members {
                try spend(on: member.name)
                guard let other = right[member.name], try isSame(member.value, other) else {
                    return false
                }
            }
            return true
        default: return left == right
        }
    }

    /// Whether one of the elements is the same as `value`.
    package mutating func contains(
        _ elements: [JSONValue],
        _ value: JSONValue
    ) throws(Spent) -> Bool {
        for element in elements {
            if try isSame(element, value) { return true }
        }
        return false
    }

    /// Whether two of the elements are the same. Only those are compared whose hashes are equal.
    package mutating func hasSameTwice(_ elements: [JSONValue]) throws(Spent) -> Bool {
        var seen: [Int: [JSONValue]] = [:]
        for element in elements {
            let hash = try hash(of: element)
            for other in seen[hash] ?? [] {
                if try isSame(other, element) { return true }
            }
            seen[hash, default: []].append(element)
        }
        return false
    }

    /// Equal for values that are the same.
    private mutating func hash(of value: JSONValue) throws(Spent) -> Int {
        try spend(1)
        var hasher = Hasher()
        hasher.combine(value.kind)
        switch value {
        case .null: break
        case .bool(let value): hasher.combine(value)
        case .number(let number):
            if let double = number.doubleValue {
                hasher.combine(double)
            } else {
                hasher.combine(number)
            }
        case .string(let text):
            try spend(on: text)
            hasher.combine(Name(text))
        case .array(let elements):
            for element in elements {
                let hash = try hash(of: element)
                hasher.combine(hash)
            }
        case .object(let object):
            // The order of members carries no meaning.
            var sum = 0
            for member in object.members {
                try spend(on: member.name)
                let hash = try hash(of: member.value)
                var pair = Hasher()
                pair.combine(Name(member.name))
                pair.combine(hash)
                sum &+= pair.finalize()
            }
            hasher.combine(sum)
        }
        return hasher.finalize()
    }
}

extension JSONNumber {
    /// The integer, of either 64-bit range.
    package var whole: Int128? {
        switch self {
        case .integer(let value): Int128(value)
        case .unsigned(let value): Int128(value)
        case .double, .raw: nil
        }
    }

    /// Equality as JSON Schema has it: `1` is `1.0`.
    package func isSame(as other: JSONNumber) -> Bool {
        if let left = whole, let right = other.whole { return left == right }
        guard let left = doubleValue, let right = other.doubleValue else { return self == other }
        return left == right
    }
}
