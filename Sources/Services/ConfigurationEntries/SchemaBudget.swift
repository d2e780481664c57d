import JSON
import Primitives

/// What holding one value against a schema may take, and the comparisons that take most of it.
///
/// Everything that is looked at counts one, and long texts one more for every 64 bytes, so that no
/// schema and no value, however they are made, keep the thread that checks them for long.
struct SchemaBudget {
    /// What is left of it.
    var left = 2_000_000

    /// The bytes of a text that count as much as a value.
    private static let bytesOfStep = 64

    /// - Throws: `tooCostly` when nothing is left.
    mutating func spend(_ count: Int) throws(SchemaViolation) {
        left -= count
        guard left > 0 else { throw .tooCostly }
    }

    /// Counts down for a text whose bytes are looked at.
    mutating func spend(on text: String) throws(SchemaViolation) {
        try spend(1 + text.utf8.count / Self.bytesOfStep)
    }

    /// Equality as JSON Schema has it: `1` is `1.0`.
    mutating func isSame(
        _ left: JSONValue,
        _ right: JSONValue
    ) throws(SchemaViolation) -> Bool {
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

    /// Whether two of the elements are the same. Only those are compared whose hashes are equal.
    mutating func hasSameTwice(_ elements: [JSONValue]) throws(SchemaViolation) -> Bool {
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
    private mutating func hash(of value: JSONValue) throws(SchemaViolation) -> Int {
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
