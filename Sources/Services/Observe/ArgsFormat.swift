package import JSON

/// The JSON Schema by which an owner says which args its observers may have (protocol 12.3).
///
/// Read are the keywords about types, values, sizes, members and elements, combinations, and `$ref`
/// within the schema: what schema generators write. Other keywords, `pattern` and `format` among
/// them, are annotations here and refuse nothing.
package struct ArgsFormat: Sendable {
    private let schema: JSONValue

    /// A larger one is not read, in bytes.
    static let bytesMax = 256 << 10
    /// Larger args are not held against one, in bytes.
    static let argsBytesMax = 64 << 10

    package init(_ schema: JSONText) { self.schema = schema.value() }

    /// What is wrong with `args`; nil: nothing.
    package func violation(by args: JSONText) -> String? {
        var check = ArgsCheck(root: schema)
        do throws(JSONBudget.Spent) {
            return try check.violation(args.value(), schema, at: "args", depth: 0)
        } catch {
            return "args: the args_format is nested too deep, or takes too long to check"
        }
    }
}

/// Holds args against a format, within bounds: both are input, and a `$ref` may lead to itself.
private struct ArgsCheck {
    let root: JSONValue
    private var budget = JSONBudget(200_000)

    private static let depthMax = 64

    init(root: JSONValue) { self.root = root }

    mutating func violation(
        _ value: JSONValue,
        _ schema: JSONValue,
        at path: String,
        depth: Int
    ) throws(JSONBudget.Spent) -> String? {
        try budget.spend(on: path)
        let found = try firstViolation(value, schema, at: path, depth: depth)
        // It is told, or thrown away by what has other choices: to write it takes as long.
        if let found { try budget.spend(on: found) }
        return found
    }

    private mutating func firstViolation(
        _ value: JSONValue,
        _ schema: JSONValue,
        at path: String,
        depth: Int
    ) throws(JSONBudget.Spent) -> String? {
        if case .bool(let allows) = schema { return allows ? nil : "\(path) is not allowed" }
        guard case .object(let rules) = schema else { return nil }
        guard depth < Self.depthMax else { throw JSONBudget.Spent() }
        if case .string(let reference)? = rules["$ref"] {
            // It is taken apart, which takes longer than to look at it.
            try budget.spend(reference.utf8.count / 8)
            if let target = resolve(reference),
                let found = try violation(value, target, at: path, depth: depth + 1)
            {
                return found
            }
        }
        if let found = try kindViolation(value, rules, path) { return found }
        if let found = try choiceViolation(value, rules, path) { return found }
        if let found = try valueViolation(value, rules, path) { return found }
        if let found = try combinationViolation(value, rules, path, depth) { return found }
        return switch value {
        case .object(let object): try memberViolation(object, rules, path, depth)
        case .array(let elements): try elementViolation(elements, rules, path, depth)
        default: nil
        }
    }

    /// The schema that `#/a/b` leads to (RFC 6901); nil: none.
    private func resolve(_ reference: String) -> JSONValue? {
        guard reference.hasPrefix("#") else { return nil }
        var target = root
        for part in reference.dropFirst().split(separator: "/") {
            let name = String(part).replacing("~1", with: "/").replacing("~0", with: "~")
            switch target {
            case .object(let object):
                guard let member = object[name] else { return nil }
                target = member
            case .array(let elements):
                guard let index = Int(name), elements.indices.contains(index) else { return nil }
                target = elements[index]
            default: return nil
            }
        }
        return target
    }

    // MARK: The value itself

    private mutating func kindViolation(
        _ value: JSONValue,
        _ rules: JSONObject,
        _ path: String
    ) throws(JSONBudget.Spent) -> String? {
        var kinds: [String] = []
        switch rules["type"] {
        case .string(let kind)?: kinds = [kind]
        case .array(let names)?:
            try budget.spend(names.count)
            kinds = names.compactMap(\.string)
        default: break
        }
        guard !kinds.isEmpty, !kinds.contains(where: { value.isOf(schemaType: $0) }) else {
            return nil
        }
        return "\(path) is \(value.described); it has to be \(kinds.joined(separator: " or "))"
    }

    private mutating func choiceViolation(
        _ value: JSONValue,
        _ rules: JSONObject,
        _ path: String
    ) throws(JSONBudget.Spent) -> String? {
        if let only = rules["const"], try !budget.isSame(only, value) {
            return "\(path) has to be \(only.text)"
        }
        if case .array(let choices)? = rules["enum"], try !budget.contains(choices, value) {
            return "\(path) is none of \(JSONValue.array(choices).text)"
        }
        return nil
    }

    private mutating func valueViolation(
        _ value: JSONValue,
        _ rules: JSONObject,
        _ path: String
    ) throws(JSONBudget.Spent) -> String? {
        switch value {
        case .number(let number):
            guard let size = number.doubleValue else { return nil }
            return numberViolation(size, rules, path)
        case .string(let text):
            guard rules["minLength"] != nil || rules["maxLength"] != nil else { return nil }
            try budget.spend(on: text)
            return sizeViolation(
                text.unicodeScalars.count,
                rules,
                ("minLength", "maxLength"),
                "\(path) has a length of"
            )
        case .array(let elements):
            return sizeViolation(elements.count, rules, ("minItems", "maxItems"), "\(path) has")
        case .object(let object):
            return sizeViolation(
                object.count,
                rules,
                ("minProperties", "maxProperties"),
                "\(path) has"
            )
        case .null, .bool: return nil
        }
    }

    private func numberViolation(
        _ size: Double,
        _ rules: JSONObject,
        _ path: String
    ) -> String? {
        func bound(_ name: String) -> Double? { rules[name]?.double }
        if let least = bound("minimum"), size < least { return "\(path) is below \(least)" }
        if let most = bound("maximum"), size > most { return "\(path) is above \(most)" }
        if let least = bound("exclusiveMinimum"), size <= least {
            return "\(path) is not above \(least)"
        }
        if let most = bound("exclusiveMaximum"), size >= most {
            return "\(path) is not below \(most)"
        }
        if let step = bound("multipleOf"), step > 0,
            size.truncatingRemainder(dividingBy: step) != 0
        {
            return "\(path) is no multiple of \(step)"
        }
        return nil
    }

    private func sizeViolation(
        _ count: Int,
        _ rules: JSONObject,
        _ names: (least: String, most: String),
        _ subject: String
    ) -> String? {
        if let least = rules[names.least]?.double, Double(count) < least {
            return "\(subject) \(count), fewer than \(names.least) \(least)"
        }
        if let most = rules[names.most]?.double, Double(count) > most {
            return "\(subject) \(count), more than \(names.most) \(most)"
        }
        return nil
    }

    // MARK: Combinations

    private mutating func combinationViolation(
        _ value: JSONValue,
        _ rules: JSONObject,
        _ path: String,
        _ depth: Int
    ) throws(JSONBudget.Spent) -> String? {
        for schema in rules["allOf"]?.array ?? [] {
            if let found = try violation(value, schema, at: path, depth: depth + 1) {
                return found
            }
        }
        if let choices = rules["anyOf"]?.array {
            guard try fitting(value, choices, path, depth) > 0 else {
                return "\(path) fits none of its forms (anyOf)"
            }
        }
        if let choices = rules["oneOf"]?.array {
            guard try fitting(value, choices, path, depth) == 1 else {
                return "\(path) does not fit exactly one of its forms (oneOf)"
            }
        }
        if let refused = rules["not"], try fitting(value, [refused], path, depth) > 0 {
            return "\(path) has a form that is not allowed (not)"
        }
        return nil
    }

    /// How many of the schemas it fits.
    private mutating func fitting(
        _ value: JSONValue,
        _ schemas: [JSONValue],
        _ path: String,
        _ depth: Int
    ) throws(JSONBudget.Spent) -> Int {
        var count = 0
        for schema in schemas {
            let found = try violation(value, schema, at: path, depth: depth + 1)
            if found == nil { count += 1 }
        }
        return count
    }

    // MARK: Members and elements

    private mutating func memberViolation(
        _ object: JSONObject,
        _ rules: JSONObject,
        _ path: String,
        _ depth: Int
    ) throws(JSONBudget.Spent) -> String? {
        for required in rules["required"]?.array ?? [] {
            guard case .string(let name) = required else {
                try budget.spend(1)
                continue
            }
            try budget.spend(on: name)
            if object[name] == nil { return "\(path).\(name) is missing" }
        }
        let known = rules["properties"]?.object ?? JSONObject()
        // Names by patterns are not told apart, so that nothing is refused for them.
        let others = rules["patternProperties"] == nil ? rules["additionalProperties"] : nil
        for member in object.members {
            try budget.spend(on: member.name)
            guard let schema = known[member.name] ?? others else { continue }
            let place = "\(path).\(member.name)"
            if let found = try violation(member.value, schema, at: place, depth: depth + 1) {
                return found
            }
        }
        return nil
    }

    private mutating func elementViolation(
        _ elements: [JSONValue],
        _ rules: JSONObject,
        _ path: String,
        _ depth: Int
    ) throws(JSONBudget.Spent) -> String? {
        let first = rules["prefixItems"]?.array ?? []
        for (index, element) in elements.enumerated() {
            guard let schema = index < first.count ? first[index] : rules["items"] else { break }
            let place = "\(path)[\(index)]"
            if let found = try violation(element, schema, at: place, depth: depth + 1) {
                return found
            }
        }
        if case .bool(true)? = rules["uniqueItems"], try budget.hasSameTwice(elements) {
            return "\(path) has the same element twice"
        }
        return nil
    }
}

extension JSONValue {
    fileprivate func isOf(schemaType name: String) -> Bool {
        switch (name, self) {
        case ("null", .null), ("boolean", .bool), ("number", .number), ("string", .string),
            ("array", .array), ("object", .object):
            true
        // 1.0 is an integer to a schema.
        case ("integer", .number(let number)):
            number.isInteger || number.doubleValue.map { $0 == $0.rounded() } ?? false
        default: false
        }
    }

    fileprivate var string: String? { if case .string(let text) = self { text } else { nil } }
    fileprivate var array: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }
    fileprivate var object: JSONObject? {
        if case .object(let object) = self { object } else { nil }
    }
    fileprivate var double: Double? {
        if case .number(let number) = self { number.doubleValue } else { nil }
    }
}
