package import JSON
package import Primitives
import State

/// An item of a group.
struct ItemPlace: CustomStringConvertible {
    let group: StreamGroup
    let item: String

    var description: String { "\"\(item)\" in group \(group)" }
}

/// The input of one call, read field by field.
package struct StreamCall {
    package let function: StreamFunction
    private let fields: JSONFields

    /// - Throws: `deserialization_error` when the input is neither an object nor null.
    package init(_ function: StreamFunction, input: JSONText) throws(ErrorBody) {
        self.function = function
        fields = try JSONFields.read(input, of: function.rawValue) { $0 }
    }

    /// The stream that it is about, and nothing checked: to see whether somebody else serves it.
    package static func stream(of input: JSONText) -> String? {
        input.member("stream_name")?.stringValue
    }

    func place() throws(ErrorBody) -> ItemPlace {
        ItemPlace(group: try group(), item: try name("item_id"))
    }

    package func group() throws(ErrorBody) -> StreamGroup {
        StreamGroup(stream: try name("stream_name"), group: try name("group_id"))
    }

    /// The name in `field`; any text, also an empty one, up to `Limits.nameBytes`.
    package func name(_ field: String) throws(ErrorBody) -> String {
        try checked(
            field,
            reading { fields throws(JSONFieldError) in
                try fields.requiredString(field)
            }
        )
    }

    func optionalName(_ field: String) throws(ErrorBody) -> String? {
        let text = try reading { fields throws(JSONFieldError) in
            try fields.optionalString(field)
        }
        guard let text else { return nil }
        return try checked(field, text)
    }

    private func checked(_ field: String, _ text: String) throws(ErrorBody) -> String {
        guard text.utf8.count <= Limits.nameBytes else {
            throw failure(
                "the \(field) is \(text.utf8.count) bytes long; "
                    + "at most \(Limits.nameBytes) are allowed"
            )
        }
        return text
    }

    /// What is set or sent, which may be null.
    func data() throws(ErrorBody) -> [UInt8] {
        let data = try reading { fields throws(JSONFieldError) in
            try fields.requiredValue("data")
        }.compacted()
        guard data.isNested(within: Limits.stateDepth) else {
            throw failure("the data is nested deeper than \(Limits.stateDepth) levels")
        }
        return data.bytes
    }

    /// What `state::entries` is asked for a page of a group's items.
    func page() throws(ErrorBody) -> JSONText {
        var json = JSONBuilder()
        json.beginObject()
        json.key("scope")
        json.string(try group().scope)
        for field in ["prefix", "cursor"] {
            guard let text = try optionalName(field) else { continue }
            json.key(field)
            json.string(text)
        }
        let limit = try reading { fields throws(JSONFieldError) -> Int64? in
            guard let limit = try fields.optionalInteger("limit") else { return nil }
            guard (1...1000).contains(limit) else {
                throw fields.mismatch("limit", expected: "a number from 1 to 1000")
            }
            return limit
        }
        if let limit {
            json.key("limit")
            json.integer(limit)
        }
        json.endObject()
        return json.finish()
    }

    func update() throws(ErrorBody) -> ItemUpdate {
        try reading { fields throws(JSONFieldError) in try ItemUpdate(fields) }
    }

    /// What a worker that keeps the stream itself is asked: the fields of the function, and no
    /// others.
    ///
    /// - Throws: `deserialization_error` as for the engine's own items.
    package func forwarded() throws(ErrorBody) -> JSONText {
        var json = JSONBuilder()
        json.beginObject()
        for field in names {
            json.key(field)
            json.string(try name(field))
        }
        switch function {
        case .set:
            json.key("data")
            json.raw(bytes: try data())
        case .update:
            _ = try update()
            json.key("ops")
            json.raw(
                try reading { fields throws(JSONFieldError) in
                    try fields.requiredValue("ops")
                }
            )
        default: break
        }
        json.endObject()
        return json.finish()
    }

    private var names: [String] {
        switch function {
        case .set, .get, .delete, .update: ["stream_name", "group_id", "item_id"]
        case .list, .entries, .presence, .send: ["stream_name", "group_id"]
        case .listGroups: ["stream_name"]
        case .listAll: []
        }
    }

    // MARK: Errors

    /// An error with the function's own code.
    package func failure(_ message: String) -> ErrorBody {
        ErrorBody(code: function.errorCode, message: message)
    }

    private func reading<Value>(
        _ read: (JSONFields) throws(JSONFieldError) -> Value
    ) throws(ErrorBody) -> Value {
        do throws(JSONFieldError) { return try read(fields) } catch {
            throw ErrorBody(
                code: "deserialization_error",
                message: "Failed to deserialize input for \(function.rawValue): \(error)"
            )
        }
    }
}
