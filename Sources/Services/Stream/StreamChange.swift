package import Events
import JSON
package import Primitives

/// What a worker that keeps a stream's items says that it changed (services 1, D.6).
package struct StreamChange {
    /// What subscribers are told; nil: nothing changed.
    package let event: StreamRelayed?
    /// What the caller is answered.
    package let answer: [UInt8]

    /// - Parameters:
    ///   - call: `stream::set`, `stream::update` or `stream::delete`.
    ///   - result: what the worker answered.
    ///   - limit: the bytes that a record holds of a value.
    /// - Throws: the function's own code where the worker failed or answered nothing, `JSON_ERROR`
    ///   where what it answered is no such change.
    package init(
        _ call: StreamCall,
        _ result: FunctionResult,
        limit: Int
    ) throws(ErrorBody) {
        let text: JSONText
        switch result {
        case .value(let bytes) where bytes != JSONText.null.bytes: text = JSONText(trusted: bytes)
        case .value, .none: throw call.failure("the worker that keeps the stream answered nothing")
        case .failure(let error): throw call.failure("\(error.code): \(error.message)")
        }
        let place = try call.place()
        let fields: JSONFields
        do throws(JSONFieldError) { fields = try JSONFields(text) } catch {
            throw Self.malformed("\(error)")
        }
        let old = fields.optionalValue("old_value").flatMap { $0.isNull ? nil : $0 }
        let data: JSONText?
        let change: StreamRelayed.Change
        if call.function == .delete {
            data = old
            change = .deleted
            answer = StreamAnswer.deleted(old?.bytes).json.bytes
        } else {
            guard let new = fields.optionalValue("new_value") else {
                throw Self.malformed("the field new_value is missing")
            }
            data = new
            change = old == nil ? .created : .updated
            answer = Self.written(old, new, errors: fields.optionalValue("errors"))
        }
        guard (data?.bytes.count ?? 0) <= limit else {
            throw call.failure(
                "the value has \(data?.bytes.count ?? 0) bytes; at most \(limit) can be recorded"
            )
        }
        event = data.map {
            StreamRelayed(
                stream: place.group.stream,
                group: place.group.group,
                item: place.item,
                change: change,
                data: $0.bytes
            )
        }
    }

    private static func written(_ old: JSONText?, _ new: JSONText, errors: JSONText?) -> [UInt8] {
        var json = JSONBuilder(capacity: (old?.bytes.count ?? 4) + new.bytes.count + 32)
        json.beginObject()
        json.key("old_value")
        if let old { json.raw(old) } else { json.null() }
        json.key("new_value")
        json.raw(new)
        if let errors, errors.isArray, errors != .emptyArray {
            json.key("errors")
            json.raw(errors)
        }
        json.endObject()
        return json.finish().bytes
    }

    private static func malformed(_ reason: String) -> ErrorBody {
        ErrorBody(
            code: "JSON_ERROR",
            message: "what the worker that keeps the stream answered is no such change: \(reason)"
        )
    }
}
