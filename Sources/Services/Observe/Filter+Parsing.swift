package import JSON
package import Primitives

extension Filter {
    /// Reads a filter as a worker wrote it.
    ///
    /// - Throws: `INVALID_FILTER`, with what is wrong and where.
    package init(_ text: JSONText) throws(ErrorBody) {
        guard text.bytes.count <= FilterLimits.bytes else {
            throw .invalidFilter(
                "the filter has \(text.bytes.count) bytes; at most \(FilterLimits.bytes) are read"
            )
        }
        let value = try Self.value(of: text)
        try Self.check(value)
        var parser = FilterParser()
        let clauses = try parser.clauses(of: value, depth: 1, isInElement: false)
        self.init(text: text, roots: parser.roots, clauses: clauses)
    }

    private static func value(of text: JSONText) throws(ErrorBody) -> JSONValue {
        do throws(JSONError) {
            let bounded = try JSONText(
                validating: text.bytes,
                depthLimit: FilterLimits.jsonDepth
            )
            return bounded.value()
        } catch {
            throw .invalidFilter("the filter cannot be read: \(error)")
        }
    }

    /// Numbers are of the range that everybody reads alike.
    private static func check(_ value: JSONValue) throws(ErrorBody) {
        switch value {
        case .number(let number):
            guard number.isWithinFilterRange else {
                throw .invalidFilter("the number \(value.text) is outside of -2^53...2^53")
            }
        case .array(let elements): for element in elements { try check(element) }
        case .object(let object): for member in object.members { try check(member.value) }
        case .null, .bool, .string: break
        }
    }
}

/// Reads the clauses of a filter, and counts what it has used of the limits.
private struct FilterParser {
    private var nodes = 0
    private(set) var roots: Set<FilterRoot> = []

    /// The clauses of a filter and of those that it combines with `$and`, which adds no level.
    mutating func clauses(
        of value: JSONValue,
        depth: Int,
        isInElement: Bool
    ) throws(ErrorBody) -> [Clause] {
        guard depth <= FilterLimits.depth else {
            throw .invalidFilter("filters are nested in more than \(FilterLimits.depth) levels")
        }
        guard case .object(let object) = value else {
            throw .invalidFilter("a filter is an object, not \(value.described)")
        }
        var clauses: [Clause] = []
        for member in object.members {
            switch member.name {
            case "$and":
                for part in try filters(member.value, of: "$and") {
                    clauses += try self.clauses(of: part, depth: depth, isInElement: isInElement)
                }
            case "$or":
                try count()
                var choices: [[Clause]] = []
                for part in try filters(member.value, of: "$or") {
                    choices.append(
                        try self.clauses(of: part, depth: depth + 1, isInElement: isInElement)
                    )
                }
                clauses.append(.or(choices))
            case "$not":
                try count()
                clauses.append(
                    .not(
                        try self.clauses(
                            of: member.value,
                            depth: depth + 1,
                            isInElement: isInElement
                        )
                    )
                )
            case let name where name.hasPrefix("$"):
                throw .invalidFilter(
                    Self.operators.contains(name)
                        ? "\(name) needs a path: {\"input.amount\": {\"\(name)\": …}}"
                        : "\(name) is unknown; a filter has paths, $and, $or and $not"
                )
            case let path:
                clauses.append(try clause(path, member.value, depth, isInElement))
            }
        }
        return clauses
    }

    private func filters(_ value: JSONValue, of name: String) throws(ErrorBody) -> [JSONValue] {
        guard case .array(let filters) = value, !filters.isEmpty else {
            throw .invalidFilter("\(name) takes an array of at least one filter")
        }
        return filters
    }

    private mutating func count() throws(ErrorBody) {
        nodes += 1
        guard nodes <= FilterLimits.nodes else {
            throw .invalidFilter(
                "the filter has more than \(FilterLimits.nodes) operators, $or and $not"
            )
        }
    }

    // MARK: Paths and operators

    private mutating func clause(
        _ name: String,
        _ value: JSONValue,
        _ depth: Int,
        _ isInElement: Bool
    ) throws(ErrorBody) -> Clause {
        let path = try FilterPath(name, isInElement: isInElement)
        if let root = path.root { roots.insert(root) }
        guard case .object(let object) = value, !object.isEmpty,
            object.members.allSatisfy({ $0.name.hasPrefix("$") })
        else {
            throw .invalidFilter(
                "\"\(name)\" takes an object of operators, as {\"$eq\": \(value.text)}"
            )
        }
        return .path(path, try operators(of: object, at: name, depth))
    }

    private mutating func operators(
        of object: JSONObject,
        at path: String,
        _ depth: Int
    ) throws(ErrorBody) -> [Operator] {
        var operators: [Operator] = []
        for member in object.members {
            try count()
            let reading = Reading(name: member.name, operand: member.value, path: path)
            operators.append(
                member.name == "$any"
                    ? .any(try elementTest(reading, depth)) : try reading.operator()
            )
        }
        return operators
    }

    private mutating func elementTest(
        _ reading: Reading,
        _ depth: Int
    ) throws(ErrorBody) -> Operator.ElementTest {
        guard case .object(let object) = reading.operand else {
            throw reading.wrong("an object of operators, or a filter of paths from @")
        }
        guard depth < FilterLimits.depth else {
            throw .invalidFilter("filters are nested in more than \(FilterLimits.depth) levels")
        }
        let areOperators = object.members.allSatisfy { Self.operators.contains($0.name) }
        guard areOperators, !object.isEmpty else {
            return .filter(
                try clauses(of: reading.operand, depth: depth + 1, isInElement: true)
            )
        }
        return .operators(try operators(of: object, at: reading.path, depth + 1))
    }

    private static let operators: Set<String> = [
        "$eq", "$ne", "$in", "$nin", "$gt", "$gte", "$lt", "$lte", "$exists", "$prefix", "$any",
    ]
}

/// One operator and where it stands.
private struct Reading {
    let name: String
    let operand: JSONValue
    let path: String

    /// Every operator but `$any`.
    func `operator`() throws(ErrorBody) -> Operator {
        switch name {
        case "$eq", "$ne":
            try checkDepth(of: operand)
            return .equal(operand, isNegated: name == "$ne")
        case "$in", "$nin":
            guard case .array(let items) = operand else { throw wrong("an array") }
            guard items.count <= FilterLimits.setItems else {
                throw .invalidFilter(
                    "\"\(path)\": \(name) has \(items.count) values; at most "
                        + "\(FilterLimits.setItems) are read"
                )
            }
            for item in items { try checkDepth(of: item) }
            return .among(items, isNegated: name == "$nin")
        case "$exists":
            guard case .bool(let isExpected) = operand else { throw wrong("true or false") }
            return .exists(isExpected)
        case "$prefix":
            guard case .string(let prefix) = operand else { throw wrong("a string") }
            return .prefix(prefix)
        default:
            guard let order = Operator.Order(rawValue: name) else {
                throw .invalidFilter("\"\(path)\": the operator \(name) is unknown")
            }
            return .order(order, than: try bound())
        }
    }

    private func bound() throws(ErrorBody) -> Operator.Bound {
        switch operand {
        case .string(let text): return .string(text)
        case .number(let number):
            guard let double = number.doubleValue else { throw wrong("a number") }
            return .number(double)
        default: throw wrong("a number or a string")
        }
    }

    private func checkDepth(of literal: JSONValue, level: Int = 1) throws(ErrorBody) {
        let inside: [JSONValue]
        switch literal {
        case .array(let elements): inside = elements
        case .object(let object): inside = object.members.map(\.value)
        default: return
        }
        guard level <= FilterLimits.literalDepth else {
            throw .invalidFilter(
                "\"\(path)\": a value of \(name) is nested in more than "
                    + "\(FilterLimits.literalDepth) levels"
            )
        }
        for value in inside { try checkDepth(of: value, level: level + 1) }
    }

    func wrong(_ expected: String) -> ErrorBody {
        .invalidFilter("\"\(path)\": \(name) takes \(expected), not \(operand.described)")
    }
}

extension JSONNumber {
    /// By its digits: the double next to an integer may be within where the integer is not.
    fileprivate var isWithinFilterRange: Bool {
        switch self {
        case .integer(let value): value.magnitude <= UInt64(FilterLimits.number)
        case .unsigned(let value): value <= UInt64(FilterLimits.number)
        case .double(let value): value.magnitude <= FilterLimits.number
        case .raw: false
        }
    }
}

extension JSONValue {
    /// What an error calls it.
    var described: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
