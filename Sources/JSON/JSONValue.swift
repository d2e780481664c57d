import Primitives

/// A JSON value, parsed completely. ``JSONText`` is the form that values travel and rest in; this
/// is for the few places that compute with them.
package enum JSONValue: Sendable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    package static func integer(_ value: Int64) -> JSONValue { .number(.integer(value)) }

    package var kind: JSONKind {
        switch self {
        case .null: .null
        case .bool: .bool
        case .number: .number
        case .string: .string
        case .array: .array
        case .object: .object
        }
    }

    /// Writes the compact form: no white space, shortest doubles that read back the same, text
    /// beyond ASCII as UTF-8.
    package func write(into builder: inout JSONBuilder) {
        switch self {
        case .null: builder.null()
        case .bool(let value): builder.bool(value)
        case .number(let number): builder.number(number)
        case .string(let value): builder.string(value)
        case .array(let elements):
            builder.beginArray()
            for element in elements { element.write(into: &builder) }
            builder.endArray()
        case .object(let object):
            builder.beginObject()
            for member in object.members {
                builder.key(member.name)
                member.value.write(into: &builder)
            }
            builder.endObject()
        }
    }

    /// The compact form (see ``write(into:)``).
    package var text: JSONText {
        var builder = JSONBuilder()
        write(into: &builder)
        return builder.finish()
    }
}

extension JSONValue: Equatable {
    /// Strings by their bytes, `1` unlike `1.0`, objects in any order.
    package static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.number(let left), .number(let right)): left == right
        case (.string(let left), .string(let right)): sameBytes(left, right)
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)): left == right
        default: false
        }
    }
}

extension JSONScanner {
    /// Takes the next value and parses it completely. Of members with the same name the last wins.
    package mutating func value() throws(JSONError) -> JSONValue {
        var open: [OpenContainer] = []
        while true {
            var finished: JSONValue
            switch peek() {
            case .object:
                try beginObject()
                open.append(OpenContainer(isObject: true))
                finished = .null
            case .array:
                try beginArray()
                open.append(OpenContainer(isObject: false))
                finished = .null
            case let kind:
                finished = try scalar(kind)
                if open.isEmpty { return finished }
                open[open.count - 1].take(finished)
            }
            // Containers end here until one has another member or element to read.
            while try !advance(in: &open[open.count - 1]) {
                finished = open.removeLast().value
                if open.isEmpty { return finished }
                open[open.count - 1].take(finished)
            }
        }
    }

    /// Steps to the next value of the innermost container; false when it has ended.
    private mutating func advance(in container: inout OpenContainer) throws(JSONError) -> Bool {
        guard container.isObject else { return try nextElement() }
        guard let key = try nextMember() else { return false }
        container.name = name(key)
        return true
    }

    private mutating func scalar(_ kind: JSONKind?) throws(JSONError) -> JSONValue {
        if kind == .string { return .string(try string()) }
        let slice = try skipValue()
        switch kind {
        case .bool: return .bool(bytes[slice.range.lowerBound] == UInt8(ascii: "t"))
        case .number where !slice.needsRepair:
            return .number(JSONNumber(validated: bytes[slice.range]))
        default: return .null
        }
    }
}

/// An array or object whose end has not been read yet.
private struct OpenContainer {
    let isObject: Bool
    /// The name that the next value belongs to.
    var name = ""
    private var elements: [JSONValue] = []
    private var object = JSONObject()

    init(isObject: Bool) { self.isObject = isObject }

    mutating func take(_ value: JSONValue) {
        if isObject { object[name] = value } else { elements.append(value) }
    }

    var value: JSONValue { isObject ? .object(object) : .array(elements) }
}
