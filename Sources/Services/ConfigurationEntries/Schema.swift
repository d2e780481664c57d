package import JSON
import Primitives

/// A JSON Schema (drafts 4 to 2020-12, without the keywords that look at what others evaluated).
/// References lead into the schema itself; `format` tells people something and checks nothing.
package struct Schema: Equatable, Sendable {
    package let text: JSONText
    let root: JSONValue

    /// - Throws: what is wrong with it, and where.
    package init(_ text: JSONText) throws(SchemaError) {
        self.init(taken: text)
        var reader = SchemaReader(root: root)
        try reader.check()
    }

    /// One that was taken before. It is not looked at: a version that looked at less, or knew of
    /// more, may have taken it. What cannot be read in it forbids nothing.
    package init(taken text: JSONText) {
        self.text = text
        root = text.value()
    }

    package static func == (left: Schema, right: Schema) -> Bool { left.text == right.text }

    /// What of `value` the schema forbids, told of the first place only; nil: nothing.
    package func violation(of value: JSONValue) -> String? {
        var validation = SchemaValidation(schema: self)
        do throws(SchemaViolation) {
            try validation.check(value, root, at: .top(""), depth: 0)
            return nil
        } catch {
            return error.description
        }
    }

    /// The schema that a reference names; nil: there is none.
    static func target(of reference: String, in root: JSONValue) -> JSONValue? {
        guard reference.hasPrefix("#") else { return nil }
        var place = root
        for part in reference.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
            .dropFirst()
        {
            let name = String(decoding: part.percentDecoded, as: UTF8.self)
                .replacing("~1", with: "/").replacing("~0", with: "~")
            switch place {
            case .object(let object):
                guard let member = object[name] else { return nil }
                place = member
            case .array(let elements):
                guard let index = Int(name), elements.indices.contains(index) else { return nil }
                place = elements[index]
            default: return nil
            }
        }
        return reference == "#" || reference.hasPrefix("#/") ? place : nil
    }
}

/// What is wrong with a schema.
package struct SchemaError: Error, Equatable, Sendable, CustomStringConvertible {
    package let place: String
    package let problem: String

    init(place: JSONPlace, problem: String) {
        self.place = place.description
        self.problem = problem
    }

    package var description: String { "\(place): \(problem)" }
}

/// Checks a schema once, before values are held against it, within bounds: schemas are input.
struct SchemaReader {
    private let root: JSONValue
    /// Places are counted, and texts as ``JSONBudget`` does: a schema may be led to by many
    /// references, and is checked for each that is written otherwise.
    private var budget = JSONBudget(500_000)
    /// What the patterns of one schema may be together, written out, in instructions.
    private var instructionsLeft = SchemaReader.instructionsMax
    private var patterns: Set<Name> = []
    private var references: Set<Name> = [Name("#")]
    /// Those of them whose schemas were not checked yet.
    private var waiting: [String] = []

    static let depthMax = 100
    static let instructionsMax = 20_000

    static let types = [
        "null", "boolean", "object", "array", "number", "string", "integer",
    ]
    private static let unknown = [
        "unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$recursiveRef",
    ]

    init(root: JSONValue) { self.root = root }

    /// - Throws: the first thing that is wrong, there or where a reference leads to.
    mutating func check() throws(SchemaError) {
        try check(root, at: .top("#"), depth: 0)
        while let reference = waiting.popLast() {
            guard let target = Schema.target(of: reference, in: root) else { continue }
            try check(target, at: .top(reference), depth: 0)
        }
    }

    private mutating func spend(_ count: Int, at place: JSONPlace) throws(SchemaError) {
        do throws(JSONBudget.Spent) {
            try budget.spend(count)
        } catch {
            throw SchemaError(place: place, problem: "the schema is too costly to check")
        }
    }

    private mutating func check(
        _ schema: JSONValue,
        at place: JSONPlace,
        depth: Int
    ) throws(SchemaError) {
        try spend(1, at: place)
        guard depth <= Self.depthMax else {
            throw SchemaError(place: place, problem: "it is nested too deep")
        }
        if case .bool = schema { return }
        guard case .object(let object) = schema else {
            throw SchemaError(place: place, problem: "a schema is an object, true or false")
        }
        for member in object.members {
            let place = place.inside(member.name)
            if Self.unknown.contains(member.name) {
                throw SchemaError(place: place, problem: "this keyword is not known here")
            }
            try check(keyword: member.name, member.value, at: place, depth: depth + 1)
        }
    }

    private mutating func check(
        keyword: String,
        _ value: JSONValue,
        at place: JSONPlace,
        depth: Int
    ) throws(SchemaError) {
        func require(_ isRight: Bool, _ expected: String) throws(SchemaError) {
            if !isRight { throw SchemaError(place: place, problem: "it must be \(expected)") }
        }
        try spend(1 + value.entryCount, at: place)
        switch keyword {
        case "type":
            try require(value.names.map(Self.areTypes) ?? false, "the name of a type, or several")
        case "enum": try require(value.elements != nil, "an array")
        case "required": try require(value.texts != nil, "an array of strings")
        case "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties",
            "minContains", "maxContains":
            try require(value.count != nil, "a whole number from 0 on")
        case "minimum", "maximum": try require(value.number != nil, "a number")
        case "exclusiveMinimum", "exclusiveMaximum":
            try require(value.number != nil || value.kind == .bool, "a number")
        case "multipleOf":
            try require((value.number?.doubleValue ?? 0) > 0, "a number above 0")
        case "uniqueItems": try require(value.kind == .bool, "true or false")
        case "pattern": try check(pattern: value, at: place)
        case "$ref": try check(reference: value, at: place)
        case "allOf", "anyOf", "oneOf", "prefixItems":
            try check(list: value, at: place, depth)
        case "items" where value.elements != nil: try check(list: value, at: place, depth)
        case "items", "additionalItems", "contains", "additionalProperties", "propertyNames", "not",
            "if", "then", "else":
            try check(value, at: place, depth: depth)
        case "properties", "patternProperties", "$defs", "definitions", "dependentSchemas":
            try check(map: value, at: place, depth, arePatterns: keyword == "patternProperties")
        case "dependentRequired":
            try require(
                value.members?.allSatisfy { $0.value.texts != nil } ?? false,
                "a map of names"
            )
        case "dependencies": try check(dependencies: value, at: place, depth)
        default: break
        }
    }

    private static func areTypes(_ names: [String]) -> Bool {
        !names.isEmpty && names.allSatisfy(types.contains)
    }

    private mutating func check(pattern value: JSONValue, at place: JSONPlace) throws(SchemaError) {
        guard case .string(let text) = value else {
            throw SchemaError(place: place, problem: "it must be a regular expression")
        }
        try add(pattern: text, at: place)
    }

    private mutating func add(pattern text: String, at place: JSONPlace) throws(SchemaError) {
        try spend(text.utf8.count / 8, at: place)
        guard patterns.insert(Name(text)).inserted else { return }
        do throws(PatternError) {
            instructionsLeft -= try Pattern(text).size
        } catch {
            throw SchemaError(place: place, problem: "\"\(text)\" is refused: \(error)")
        }
        guard instructionsLeft >= 0 else {
            throw SchemaError(
                place: place,
                problem: "with \"\(text)\" the patterns of the schema are too long: written out, "
                    + "they have more than \(Self.instructionsMax) steps"
            )
        }
    }

    private mutating func check(
        reference value: JSONValue,
        at place: JSONPlace
    ) throws(SchemaError) {
        guard case .string(let text) = value, Schema.target(of: text, in: root) != nil else {
            throw SchemaError(
                place: place,
                problem: "it leads to nothing; a reference is into the schema itself, as "
                    + "\"#/$defs/name\""
            )
        }
        try spend(text.utf8.count / 8, at: place)
        if references.insert(Name(text)).inserted { waiting.append(text) }
    }

    private mutating func check(
        list value: JSONValue,
        at place: JSONPlace,
        _ depth: Int
    ) throws(SchemaError) {
        guard let schemas = value.elements, !schemas.isEmpty else {
            throw SchemaError(place: place, problem: "it must be a list of schemas")
        }
        for (number, schema) in schemas.enumerated() {
            try check(schema, at: place.inside(number), depth: depth)
        }
    }

    private mutating func check(
        map value: JSONValue,
        at place: JSONPlace,
        _ depth: Int,
        arePatterns: Bool
    ) throws(SchemaError) {
        guard let members = value.members else {
            throw SchemaError(place: place, problem: "it must be a map of schemas")
        }
        for member in members {
            let place = place.inside(member.name)
            if arePatterns { try add(pattern: member.name, at: place) }
            try check(member.value, at: place, depth: depth)
        }
    }

    private mutating func check(
        dependencies value: JSONValue,
        at place: JSONPlace,
        _ depth: Int
    ) throws(SchemaError) {
        guard let members = value.members else {
            throw SchemaError(place: place, problem: "it must be a map")
        }
        for member in members where member.value.texts == nil {
            try check(member.value, at: place.inside(member.name), depth: depth)
        }
    }
}

extension JSONValue {
    var elements: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }

    var members: [JSONObject.Member]? {
        if case .object(let object) = self { object.members } else { nil }
    }

    var number: JSONNumber? { if case .number(let number) = self { number } else { nil } }

    /// What a keyword with this value has to be looked through for: elements, or members and the
    /// elements of those.
    fileprivate var entryCount: Int {
        switch self {
        case .array(let elements): elements.count
        case .object(let object):
            object.members.reduce(0) { $0 + 1 + ($1.value.elements?.count ?? 0) }
        default: 0
        }
    }

    /// Strings only.
    var texts: [String]? {
        guard let elements else { return nil }
        var texts: [String] = []
        for element in elements {
            guard case .string(let text) = element else { return nil }
            texts.append(text)
        }
        return texts
    }

    /// A string, or several.
    var names: [String]? { if case .string(let text) = self { [text] } else { texts } }

    /// A whole number from 0 on; `2.0` is one.
    var count: Int? {
        guard let number, let value = number.doubleValue, value >= 0, value.rounded() == value
        else {
            return nil
        }
        return Int(exactly: value)
    }
}
