import JSON

/// Why a value is not what a schema wants.
enum SchemaViolation: Error, CustomStringConvertible {
    /// `place` is a JSON pointer, empty for the whole value.
    case wrong(place: String, String)
    /// It would take too long to tell.
    case tooCostly

    var description: String {
        switch self {
        case .wrong("", let problem): "the value \(problem)"
        case .wrong(let place, let problem): "\(place) \(problem)"
        case .tooCostly: "the schema is too costly to check"
        }
    }
}

/// Holds one value against a schema, within bounds: schemas are input, and may lead in circles.
struct SchemaValidation {
    let schema: Schema
    private var budget = 2_000_000

    private static let depthMax = 250

    init(schema: Schema) { self.schema = schema }

    mutating func check(
        _ value: JSONValue,
        _ rule: JSONValue,
        at place: String,
        depth: Int
    ) throws(SchemaViolation) {
        budget -= 1
        guard budget > 0, depth <= Self.depthMax else { throw .tooCostly }
        if case .bool(false) = rule { throw .wrong(place: place, "is not allowed") }
        guard case .object(let rules) = rule else { return }
        if case .string(let reference)? = rules["$ref"],
            let target = Schema.target(of: reference, in: schema.root)
        {
            try check(value, target, at: place, depth: depth + 1)
        }
        try checkType(value, rules, place)
        try checkCombined(value, rules, place, depth)
        switch value {
        case .number(let number): try check(number, rules, place)
        case .string(let text): try check(text, rules, place)
        case .array(let elements): try check(elements, rules, place, depth)
        case .object(let object): try check(object, rules, place, depth)
        case .null, .bool: break
        }
    }

    /// Whether `rule` holds; that it is too costly to tell is thrown on.
    private mutating func holds(
        _ value: JSONValue,
        _ rule: JSONValue,
        _ place: String,
        _ depth: Int
    ) throws(SchemaViolation) -> Bool {
        do throws(SchemaViolation) {
            try check(value, rule, at: place, depth: depth + 1)
            return true
        } catch {
            if case .tooCostly = error { throw error }
            return false
        }
    }

    // MARK: Any value

    private mutating func checkType(
        _ value: JSONValue,
        _ rules: JSONObject,
        _ place: String
    ) throws(SchemaViolation) {
        if let names = rules["type"]?.names, !names.contains(where: { value.isOf(type: $0) }) {
            throw .wrong(place: place, "must be of type \(names.joined(separator: " or "))")
        }
        if let allowed = rules["enum"]?.elements {
            budget -= allowed.count
            guard allowed.contains(where: { $0.isSame(as: value) }) else {
                throw .wrong(place: place, "must be one of \(JSONValue.array(allowed).text)")
            }
        }
        if let constant = rules["const"], !constant.isSame(as: value) {
            throw .wrong(place: place, "must be \(constant.text)")
        }
    }

    private mutating func checkCombined(
        _ value: JSONValue,
        _ rules: JSONObject,
        _ place: String,
        _ depth: Int
    ) throws(SchemaViolation) {
        for rule in rules["allOf"]?.elements ?? [] {
            try check(value, rule, at: place, depth: depth + 1)
        }
        for (keyword, isRight) in [("anyOf", { $0 > 0 }), ("oneOf", { $0 == 1 })]
            as [(String, (Int) -> Bool)]
        {
            guard let choices = rules[keyword]?.elements else { continue }
            var count = 0
            for choice in choices where try holds(value, choice, place, depth) { count += 1 }
            guard isRight(count) else {
                throw .wrong(place: place, "meets \(count) of the choices of \(keyword)")
            }
        }
        if let rule = rules["not"], try holds(value, rule, place, depth) {
            throw .wrong(place: place, "is what \"not\" forbids")
        }
        if let condition = rules["if"] {
            let branch = try holds(value, condition, place, depth) ? "then" : "else"
            if let rule = rules[branch] { try check(value, rule, at: place, depth: depth + 1) }
        }
    }

    // MARK: Numbers and strings

    private func check(
        _ number: JSONNumber,
        _ rules: JSONObject,
        _ place: String
    ) throws(SchemaViolation) {
        func bound(_ keyword: String, _ exclusive: String, _ isBelow: Bool) throws(SchemaViolation)
        {
            var isExclusive = false
            if case .bool(true)? = rules[exclusive] { isExclusive = true }
            let bounds = [(rules[keyword]?.number, isExclusive), (rules[exclusive]?.number, true)]
            for case (let limit?, let isExclusive) in bounds {
                let isInOrder = isBelow ? limit.isBelow(number) : number.isBelow(limit)
                guard isInOrder || (!isExclusive && limit.isSame(as: number)) else {
                    let most = isBelow ? "at least" : "at most"
                    let beyond = isBelow ? "above" : "below"
                    let text = JSONValue.number(limit).text
                    throw .wrong(place: place, "must be \(isExclusive ? beyond : most) \(text)")
                }
            }
        }
        try bound("minimum", "exclusiveMinimum", true)
        try bound("maximum", "exclusiveMaximum", false)
        if let step = rules["multipleOf"]?.number, !number.isMultiple(of: step) {
            throw .wrong(place: place, "must be a multiple of \(JSONValue.number(step).text)")
        }
    }

    private mutating func check(
        _ text: String,
        _ rules: JSONObject,
        _ place: String
    ) throws(SchemaViolation) {
        try checkCount(text.unicodeScalars.count, "Length", "characters", rules, place)
        guard case .string(let pattern)? = rules["pattern"] else { return }
        guard try matches(text, pattern) else {
            throw .wrong(place: place, "must match \(pattern)")
        }
    }

    private mutating func matches(
        _ text: String,
        _ pattern: String
    ) throws(SchemaViolation) -> Bool {
        guard let pattern = schema.patterns[pattern] else { return true }
        guard let isMatch = pattern.matches(text, budget: &budget) else { throw .tooCostly }
        return isMatch
    }

    private func checkCount(
        _ count: Int,
        _ suffix: String,
        _ noun: String,
        _ rules: JSONObject,
        _ place: String
    ) throws(SchemaViolation) {
        if let least = rules["min\(suffix)"]?.count, count < least {
            throw .wrong(place: place, "must have at least \(least) \(noun)")
        }
        if let most = rules["max\(suffix)"]?.count, count > most {
            throw .wrong(place: place, "must have at most \(most) \(noun)")
        }
    }

    // MARK: Arrays

    private mutating func check(
        _ elements: [JSONValue],
        _ rules: JSONObject,
        _ place: String,
        _ depth: Int
    ) throws(SchemaViolation) {
        try checkCount(elements.count, "Items", "elements", rules, place)
        let isTuple = rules["items"]?.elements != nil
        let first = (isTuple ? rules["items"] : rules["prefixItems"])?.elements ?? []
        let rest = isTuple ? rules["additionalItems"] : rules["items"]
        for (number, element) in elements.enumerated() {
            guard let rule = number < first.count ? first[number] : rest else { continue }
            try check(element, rule, at: "\(place)/\(number)", depth: depth + 1)
        }
        if let rule = rules["contains"] {
            var count = 0
            for element in elements where try holds(element, rule, place, depth) { count += 1 }
            let least = rules["minContains"]?.count ?? 1
            let most = rules["maxContains"]?.count ?? .max
            guard least <= count, count <= most else {
                throw .wrong(place: place, "has \(count) elements that \"contains\" describes")
            }
        }
        if case .bool(true)? = rules["uniqueItems"] { try checkUnique(elements, place) }
    }

    private mutating func checkUnique(
        _ elements: [JSONValue],
        _ place: String
    ) throws(SchemaViolation) {
        for (number, element) in elements.enumerated() {
            budget -= number
            guard budget > 0 else { throw .tooCostly }
            if elements[..<number].contains(where: { $0.isSame(as: element) }) {
                throw .wrong(place: place, "has the same element twice")
            }
        }
    }

    // MARK: Objects

    private mutating func check(
        _ object: JSONObject,
        _ rules: JSONObject,
        _ place: String,
        _ depth: Int
    ) throws(SchemaViolation) {
        try checkCount(object.count, "Properties", "members", rules, place)
        for name in rules["required"]?.texts ?? [] where object[name] == nil {
            throw .wrong(place: place, "needs \"\(name)\"")
        }
        try checkDependencies(object, rules, place, depth)
        var properties = JSONObject()
        if case .object(let known)? = rules["properties"] { properties = known }
        let patterns = rules["patternProperties"]?.members ?? []
        for member in object.members {
            let inside = "\(place)/\(member.name)"
            if let rule = rules["propertyNames"] {
                try check(.string(member.name), rule, at: inside, depth: depth + 1)
            }
            var isKnown = false
            if let rule = properties[member.name] {
                isKnown = true
                try check(member.value, rule, at: inside, depth: depth + 1)
            }
            for pattern in patterns where try matches(member.name, pattern.name) {
                isKnown = true
                try check(member.value, pattern.value, at: inside, depth: depth + 1)
            }
            if !isKnown, let rule = rules["additionalProperties"] {
                try check(member.value, rule, at: inside, depth: depth + 1)
            }
        }
    }

    private mutating func checkDependencies(
        _ object: JSONObject,
        _ rules: JSONObject,
        _ place: String,
        _ depth: Int
    ) throws(SchemaViolation) {
        for keyword in ["dependentRequired", "dependentSchemas", "dependencies"] {
            for member in rules[keyword]?.members ?? [] where object[member.name] != nil {
                guard let names = member.value.texts else {
                    try check(.object(object), member.value, at: place, depth: depth + 1)
                    continue
                }
                for name in names where object[name] == nil {
                    throw .wrong(place: place, "with \"\(member.name)\" needs \"\(name)\"")
                }
            }
        }
    }
}

extension JSONValue {
    fileprivate func isOf(type: String) -> Bool {
        switch (type, self) {
        case ("null", .null), ("boolean", .bool), ("string", .string), ("array", .array),
            ("object", .object), ("number", .number):
            true
        case ("integer", .number(let number)): number.isWhole
        default: false
        }
    }

    /// Equality as JSON Schema has it: `1` is `1.0`.
    fileprivate func isSame(as other: JSONValue) -> Bool {
        switch (self, other) {
        case (.number(let left), .number(let right)): left.isSame(as: right)
        case (.array(let left), .array(let right)):
            left.count == right.count && zip(left, right).allSatisfy { $0.isSame(as: $1) }
        case (.object(let left), .object(let right)):
            left.count == right.count
                && left.members.allSatisfy { right[$0.name]?.isSame(as: $0.value) ?? false }
        default: self == other
        }
    }
}

extension JSONNumber {
    fileprivate var isWhole: Bool {
        if isInteger { return true }
        return doubleValue.map { $0.rounded() == $0 } ?? false
    }

    private var whole: Int128? {
        switch self {
        case .integer(let value): Int128(value)
        case .unsigned(let value): Int128(value)
        case .double, .raw: nil
        }
    }

    fileprivate func isSame(as other: JSONNumber) -> Bool {
        if let left = whole, let right = other.whole { return left == right }
        guard let left = doubleValue, let right = other.doubleValue else { return self == other }
        return left == right
    }

    fileprivate func isBelow(_ other: JSONNumber) -> Bool {
        if let left = whole, let right = other.whole { return left < right }
        guard let left = doubleValue, let right = other.doubleValue else { return false }
        return left < right
    }

    fileprivate func isMultiple(of step: JSONNumber) -> Bool {
        if let value = whole, let step = step.whole { return value % step == 0 }
        guard let value = doubleValue, let step = step.doubleValue else { return false }
        let quotient = value / step
        return quotient.isFinite && abs(quotient - quotient.rounded()) < 1e-9
    }
}
