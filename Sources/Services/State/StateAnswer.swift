import JSON

/// The answers of the state functions as JSON text.
enum StateAnswer {
    /// What `state::set` and `state::update` answer; `errors` is left out when it is empty.
    static func written(old: [UInt8]?, new: [UInt8], errors: [OperationError]) -> [UInt8] {
        var builder = JSONBuilder(capacity: (old?.count ?? 4) + new.count + 32)
        builder.beginObject()
        builder.key("old_value")
        if let old { builder.raw(bytes: old) } else { builder.null() }
        builder.key("new_value")
        builder.raw(bytes: new)
        if !errors.isEmpty {
            builder.key("errors")
            builder.beginArray()
            for error in errors { write(error, into: &builder) }
            builder.endArray()
        }
        builder.endObject()
        return builder.finish().bytes
    }

    private static func write(_ error: OperationError, into builder: inout JSONBuilder) {
        builder.beginObject()
        builder.key("op_index")
        builder.integer(error.index)
        builder.key("code")
        builder.string(error.code)
        builder.key("message")
        builder.string(error.message)
        builder.key("doc_url")
        builder.string("https://iii.dev/docs/workers/iii-state#error-codes")
        builder.endObject()
    }

    static func list(_ values: [[UInt8]]) -> [UInt8] {
        var builder = JSONBuilder(capacity: values.reduce(2) { $0 + $1.count + 1 })
        builder.beginArray()
        for value in values { builder.raw(bytes: value) }
        builder.endArray()
        return builder.finish().bytes
    }

    static func groups(_ scopes: [Name]) -> [UInt8] {
        var builder = JSONBuilder()
        builder.beginObject()
        builder.key("groups")
        builder.beginArray()
        for scope in scopes { builder.string(scope.text) }
        builder.endArray()
        builder.endObject()
        return builder.finish().bytes
    }
}
