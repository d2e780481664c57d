package import JSON

/// The answers of the stream functions that are not those of the state's.
package enum StreamAnswer {
    /// Of `stream::list`.
    case items([[UInt8]])
    /// Of `stream::list_groups`.
    case groups([String])
    /// Of `stream::list_all`: every stream with its groups.
    case all([(stream: String, groups: [String])])
    /// Of `stream::delete`; nil: there was none.
    case deleted([UInt8]?)

    package var json: JSONText {
        var json = JSONBuilder()
        switch self {
        case .items(let values):
            json.reserveCapacity(values.reduce(2) { $0 + $1.count + 1 })
            json.beginArray()
            for value in values { json.raw(bytes: value) }
            json.endArray()
        case .groups(let names): json.strings(names)
        case .all(let streams):
            json.beginObject()
            json.key("stream")
            json.beginArray()
            for (stream, groups) in streams {
                json.beginObject()
                json.key("id")
                json.string(stream)
                json.key("groups")
                json.strings(groups)
                json.endObject()
            }
            json.endArray()
            json.key("count")
            json.integer(streams.count)
            json.endObject()
        case .deleted(let old):
            json.beginObject()
            json.value("old_value", old)
            json.endObject()
        }
        return json.finish()
    }
}

extension JSONBuilder {
    fileprivate mutating func strings(_ texts: [String]) {
        beginArray()
        for text in texts { string(text) }
        endArray()
    }

    fileprivate mutating func value(_ name: String, _ bytes: [UInt8]?) {
        key(name)
        if let bytes { raw(bytes: bytes) } else { null() }
    }
}
