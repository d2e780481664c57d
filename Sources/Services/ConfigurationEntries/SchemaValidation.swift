import JSON
import Primitives

/// Why a value is not what a schema wants.
enum SchemaViolation: Error, CustomStringConvertible {
    /// What is wrong at a place, and the JSON that the words end with. Neither is written out
    /// unless it is told, and why a choice is wrong is told to nobody.
    case wrong(place: JSONPlace, String, JSONValue? = nil)
    /// It would take too long to tell.
    case tooCostly

    var description: String {
        switch self {
        case .wrong(let place, let problem, let value):
            Self.subject(at: place) + " " + problem + (value.map { " \($0.text)" } ?? "")
        case .tooCostly: "the schema is too costly to check"
        }
    }

    private static func subject(at place: JSONPlace) -> String {
        let pointer = place.description
        return pointer.isEmpty ? "the value" : pointer
    }
}

/// Holds one value against a schema, within bounds: schemas are input, and may lead in circles.
///
/// Nothing is relied on that only ``SchemaReader`` sees to: what is in a log may have been taken by
/// a version that looked at less.
struct SchemaValidation {
    let schema: Schema
    private var budget = JSONBudget(2_000_000)
    /// Those that were met; nil: one that cannot be read. They are kept no longer than that, since
    /// they are far larger than a schema.
    private var patterns: [Name: Pattern?] = [:]

    private static let depthMax = 250

    init(schema: Schema) { self.schema = schema }

    // MARK: What it takes

    private mutating func spend(_ count: Int) throws(SchemaViolation) {
        do throws(JSONBudget.Spent) { try budget.spend(count) } catch { throw .tooCostly }
    }

    private mutating func spend(on text: String) throws(SchemaViolation) {
        do throws(JSONBudget.Spent) { try budget.spend(on: text) } catch { throw .tooCostly }
    }

    private mutating func comparing(
        _ body: (inout JSONBudget) throws(JSONBudget.Spent) -> Bool
    ) throws(SchemaViolation) -> Bool {
        do throws(JSONBudget.Spent) { return try body(&budget) } catch { throw .tooCostly }
    }

    // MARK: Checking

    mutating func check(
        _ value: JSONValue,
        _ rule: JSONValue,
        at place: JSONPlace,
        depth: Int
    ) throws(SchemaViolation) {
        try spend(1)
        guard depth <= Self.depthMax else { throw .tooCostly }
        if case .bool(false) = rule { throw .wrong(place: place, "is not allowed") }
        guard case .object(let rules) = rule else { return }
        if case .string(let reference)? = rules["$ref"] {
            // It is taken apart, which takes longer than to look at it.
            try spend(reference.utf8.count / 8)
            if let target = Schema.target(of: reference, in: schema.root) {
                try check(value, target, at: place, depth: depth + 1)
            }
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
        _ place: JSONPlace,
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
        _ place: JSONPlace
    ) throws(SchemaViolation) {
        try spend(rules["type"]?.elements?.count ?? 0)
        // In an old log there may be names of no type: those forbid nothing.
        if let names = rules["type"]?.names, names.allSatisfy(SchemaReader.types.contains),
            !names.contains(where: { value.isOf(type: $0) })
        {
            throw .wrong(place: place, "must be of type \(names.joined(separator: " or "))")
        }
        if let allowed = rules["enum"]?.elements {
            let isOne = try comparing { (budget) throws(JSONBudget.Spent) in
                try budget.contains(allowed, value)
            }
            guard isOne else { throw .wrong(place: place, "must be one of", .array(allowed)) }
        }
        if let constant = rules["const"] {
            let isSame = try comparing { (budget) throws(JSONBudget.Spent) in
                try budget.isSame(constant, value)
            }
            guard isSame else { throw .wrong(place: place, "must be", constant) }
        }
    }

    private mutating func checkCombined(
        _ value: JSONValue,
        _ rules: JSONObject,
        _ place: JSONPlace,
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
        _ place: JSONPlace
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
                    let order = isExclusive ? beyond : most
                    throw .wrong(place: place, "must be \(order)", .number(limit))
                }
            }
        }
        try bound("minimum", "exclusiveMinimum", true)
        try bound("maximum", "exclusiveMaximum", false)
        if let step = rules["multipleOf"]?.number, !number.isMultiple(of: step) {
            throw .wrong(place: place, "must be a multiple of", .number(step))
        }
    }

    private mutating func check(
        _ text: String,
        _ rules: JSONObject,
        _ place: JSONPlace
    ) throws(SchemaViolation) {
        if rules["minLength"] != nil || rules["maxLength"] != nil {
            try spend(on: text)
            try checkCount(text.unicodeScalars.count, "Length", "characters", rules, place)
        }
        guard case .string(let pattern)? = rules["pattern"] else { return }
        guard try matches(text, pattern) else {
            throw .wrong(place: place, "must match \(pattern)")
        }
    }

    private mutating func matches(
        _ text: String,
        _ pattern: String
    ) throws(SchemaViolation) -> Bool {
        try spend(on: pattern)
        guard let pattern = try self.pattern(pattern) else { return true }
        guard let isMatch = pattern.matches(text, budget: &budget.left) else { throw .tooCostly }
        return isMatch
    }

    /// Nil: it cannot be read.
    private mutating func pattern(_ text: String) throws(SchemaViolation) -> Pattern? {
        if let known = patterns[Name(text)] { return known }
        try spend(text.utf8.count)
        let pattern = try? Pattern(text)
        try spend(pattern?.size ?? 0)
        patterns[Name(text)] = .some(pattern)
        return pattern
    }

    private func checkCount(
        _ count: Int,
        _ suffix: String,
        _ noun: String,
        _ rules: JSONObject,
        _ place: JSONPlace
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
        _ place: JSONPlace,
        _ depth: Int
    ) throws(SchemaViolation) {
        try checkCount(elements.count, "Items", "elements", rules, place)
        let isTuple = rules["items"]?.elements != nil
        let first = (isTuple ? rules["items"] : rules["prefixItems"])?.elements ?? []
        let rest = isTuple ? rules["additionalItems"] : rules["items"]
        for (number, element) in elements.enumerated() {
            guard let rule = number < first.count ? first[number] : rest else { break }
            try check(element, rule, at: place.inside(number), depth: depth + 1)
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
        guard case .bool(true)? = rules["uniqueItems"] else { return }
        let isTwice = try comparing { (budget) throws(JSONBudget.Spent) in
            try budget.hasSameTwice(elements)
        }
        if isTwice { throw .wrong(place: place, "has the same element twice") }
    }

    // MARK: Objects

    private mutating func check(
        _ object: JSONObject,
        _ rules: JSONObject,
        _ place: JSONPlace,
        _ depth: Int
    ) throws(SchemaViolation) {
        try checkCount(object.count, "Properties", "members", rules, place)
        if let name = try missing(rules["required"]?.elements ?? [], in: object) {
            throw .wrong(place: place, "needs", name)
        }
        try checkDependencies(object, rules, place, depth)
        try checkMembers(object, rules, place, depth)
    }

    private mutating func checkMembers(
        _ object: JSONObject,
        _ rules: JSONObject,
        _ place: JSONPlace,
        _ depth: Int
    ) throws(SchemaViolation) {
        var properties = JSONObject()
        if case .object(let known)? = rules["properties"] { properties = known }
        let patterns = rules["patternProperties"]?.members ?? []
        let names = rules["propertyNames"]
        let others = rules["additionalProperties"]
        guard !properties.isEmpty || !patterns.isEmpty || names != nil || others != nil else {
            return
        }
        for member in object.members {
            try spend(on: member.name)
            let inside = place.inside(member.name)
            if let rule = names {
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
            if !isKnown, let rule = others {
                try check(member.value, rule, at: inside, depth: depth + 1)
            }
        }
    }

    private mutating func checkDependencies(
        _ object: JSONObject,
        _ rules: JSONObject,
        _ place: JSONPlace,
        _ depth: Int
    ) throws(SchemaViolation) {
        for keyword in ["dependentRequired", "dependentSchemas", "dependencies"] {
            for member in rules[keyword]?.members ?? [] {
                try spend(on: member.name)
                guard object[member.name] != nil else { continue }
                guard let names = member.value.elements else {
                    try check(.object(object), member.value, at: place, depth: depth + 1)
                    continue
                }
                if let name = try missing(names, in: object) {
                    throw .wrong(place: place, "with \"\(member.name)\" needs", name)
                }
            }
        }
    }

    /// The first of the names that no member has; nil: all are there.
    private mutating func missing(
        _ names: [JSONValue],
        in object: JSONObject
    ) throws(SchemaViolation) -> JSONValue? {
        for name in names {
            try spend(1)
            guard case .string(let text) = name else { continue }
            try spend(on: text)
            if object[text] == nil { return name }
        }
        return nil
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
}

extension JSONNumber {
    fileprivate var isWhole: Bool {
        if isInteger { return true }
        return doubleValue.map { $0.rounded() == $0 } ?? false
    }

    fileprivate func isBelow(_ other: JSONNumber) -> Bool {
        if let left = whole, let right = other.whole { return left < right }
        guard let left = doubleValue, let right = other.doubleValue else { return false }
        return left < right
    }

    fileprivate func isMultiple(of step: JSONNumber) -> Bool {
        // Of 0, which only an old log's schema has, everything is: it forbids nothing.
        if let value = whole, let step = step.whole { return step == 0 || value % step == 0 }
        guard let value = doubleValue, let step = step.doubleValue else { return false }
        guard step != 0 else { return true }
        let quotient = value / step
        return quotient.isFinite && abs(quotient - quotient.rounded()) < 1e-9
    }
}
