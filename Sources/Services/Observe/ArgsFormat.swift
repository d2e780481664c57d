package import JSON

/// The JSON Schema by which an owner says which args its observers may have (protocol 12.3).
///
/// Read are the keywords about types, values, sizes, members and elements, combinations, and `$ref`
/// within the schema: what schema generators write. Other keywords, `pattern` and `format` among
/// them, are annotations here and refuse nothing.
package struct ArgsFormat: Sendable {
    private let schema: JSONValue
    /// Bounds recursion: a `$ref` may lead to itself.
    private static let depthMax = 64
    /// Bounds the work: it may do so more than once.
    private static let stepsMax = 10_000

    /// Where a check is.
    private struct Depth {
        let levels: Int
        let steps: Steps

        final class Steps { var count = 0 }

        /// One level further down; nil: far enough.
        func deeper() -> Depth? {
            steps.count += 1
            guard levels < ArgsFormat.depthMax, steps.count < ArgsFormat.stepsMax else {
                return nil
            }
            return Depth(levels: levels + 1, steps: steps)
        }
    }

    package init(_ schema: JSONText) { self.schema = schema.value() }

    /// What is wrong with `args`; nil: nothing.
    package func violation(by args: JSONText) -> String? {
        violation(args.value(), schema, at: "args", Depth(levels: 0, steps: Depth.Steps()))
    }

    private func violation(
        _ value: JSONValue,
        _ schema: JSONValue,
        at path: String,
        _ above: Depth
    ) -> String? {
        if case .bool(let allows) = schema { return allows ? nil : "\(path) is not allowed" }
        guard case .object(let rules) = schema else { return nil }
        guard let depth = above.deeper() else {
            return "\(path): the args_format is nested too deep"
        }
        if case .string(let reference)? = rules["$ref"], let target = resolve(reference),
            let found = violation(value, target, at: path, depth)
        {
            return found
        }
        return kindViolation(value, rules, path)
            ?? valueViolation(value, rules, path)
            ?? combinationViolation(value, rules, path, depth)
            ?? partsViolation(value, rules, path, depth)
    }

    /// The schema that `#/a/b` leads to (RFC 6901); nil: none.
    private func resolve(_ reference: String) -> JSONValue? {
        guard reference.hasPrefix("#") else { return nil }
        var target = schema
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

    private func kindViolation(
        _ value: JSONValue,
        _ rules: JSONObject,
        _ path: String
    ) -> String? {
        let kinds: [String] =
            switch rules["type"] {
            case .string(let kind)?: [kind]
            case .array(let kinds)?: kinds.compactMap(\.string)
            default: []
            }
        guard !kinds.isEmpty, !kinds.contains(where: { value.isOf(schemaType: $0) }) else {
            return nil
        }
        return "\(path) is \(value.described); it has to be \(kinds.joined(separator: " or "))"
    }

    private func valueViolation(
        _ value: JSONValue,
        _ rules: JSONObject,
        _ path: String
    ) -> String? {
        if let only = rules["const"], only != value {
            return "\(path) has to be \(only.text)"
        }
        if case .array(let choices)? = rules["enum"], !choices.contains(value) {
            return "\(path) is none of \(JSONValue.array(choices).text)"
        }
        switch value {
        case .number(let number):
            guard let size = number.doubleValue else { return nil }
            return numberViolation(size, rules, path)
        case .string(let text):
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

    private func combinationViolation(
        _ value: JSONValue,
        _ rules: JSONObject,
        _ path: String,
        _ depth: Depth
    ) -> String? {
        func fits(_ schema: JSONValue) -> Bool {
            violation(value, schema, at: path, depth) == nil
        }
        for schema in rules["allOf"]?.array ?? [] {
            if let found = violation(value, schema, at: path, depth) { return found }
        }
        if let choices = rules["anyOf"]?.array, !choices.contains(where: fits) {
            return "\(path) fits none of its forms (anyOf)"
        }
        if let choices = rules["oneOf"]?.array, choices.count(where: fits) != 1 {
            return "\(path) does not fit exactly one of its forms (oneOf)"
        }
        if let refused = rules["not"], fits(refused) {
            return "\(path) has a form that is not allowed (not)"
        }
        return nil
    }

    // MARK: Members and elements

    private func partsViolation(
        _ value: JSONValue,
        _ rules: JSONObject,
        _ path: String,
        _ depth: Depth
    ) -> String? {
        switch value {
        case .object(let object): memberViolation(object, rules, path, depth)
        case .array(let elements): elementViolation(elements, rules, path, depth)
        default: nil
        }
    }

    private func memberViolation(
        _ object: JSONObject,
        _ rules: JSONObject,
        _ path: String,
        _ depth: Depth
    ) -> String? {
        for name in (rules["required"]?.array ?? []).compactMap(\.string)
        where object[name] == nil {
            return "\(path).\(name) is missing"
        }
        let known = rules["properties"]?.object ?? JSONObject()
        for member in object.members {
            // Names by patterns are not told apart, so that nothing is refused for them.
            let others = rules["patternProperties"] == nil ? rules["additionalProperties"] : nil
            guard let schema = known[member.name] ?? others else { continue }
            let place = "\(path).\(member.name)"
            if let found = violation(member.value, schema, at: place, depth) {
                return found
            }
        }
        return nil
    }

    private func elementViolation(
        _ elements: [JSONValue],
        _ rules: JSONObject,
        _ path: String,
        _ depth: Depth
    ) -> String? {
        let first = rules["prefixItems"]?.array ?? []
        for (index, element) in elements.enumerated() {
            let schema = index < first.count ? first[index] : rules["items"]
            guard let schema else { continue }
            let place = "\(path)[\(index)]"
            if let found = violation(element, schema, at: place, depth) {
                return found
            }
        }
        if case .bool(true)? = rules["uniqueItems"] {
            for (index, element) in elements.enumerated()
            where elements[..<index].contains(element) {
                return "\(path)[\(index)] is there twice"
            }
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
