import JSON

/// The streams of the engine: items by stream, group and id, whose changes are pushed to whoever
/// subscribes. Durable when a call returns.
public struct StreamStore<Via: Caller>: Sendable {
    let caller: Via

    /// The value of an item, or nil when there is none.
    public func get<Value: Decodable>(
        _ stream: String,
        _ group: String,
        _ item: String,
        as type: Value.Type = Value.self
    ) async throws(SDKError) -> Value? {
        guard let value = try await ask("get", stream, group, item) else { return nil }
        return try JSONCoding.decode(type, from: value.bytes, what: "\(stream)/\(group)/\(item)")
    }

    /// Sets an item, whatever was there; subscribers are told.
    public func set(
        _ stream: String,
        _ group: String,
        _ item: String,
        _ value: some Encodable
    ) async throws(SDKError) {
        let value = try JSONCoding.encode(value, what: "\(stream)/\(group)/\(item)")
        _ = try await ask("set", stream, group, item) { builder in
            builder.key("data")
            builder.raw(bytes: value.bytes)
        }
    }

    /// Removes an item. False when there was none.
    @discardableResult
    public func delete(
        _ stream: String,
        _ group: String,
        _ item: String
    ) async throws(SDKError) -> Bool {
        let answer = try await ask("delete", stream, group, item)
        let old = JSONText(trusted: (answer ?? .null).bytes).member("old_value")
        return old.map { !$0.isNull } ?? false
    }

    /// Changes an item in place, atomically; returns the new value. A change that does not fit the
    /// value is skipped, and the first one of those is thrown after the others were made.
    @discardableResult
    public func update(
        _ stream: String,
        _ group: String,
        _ item: String,
        _ changes: [StateChange]
    ) async throws(SDKError) -> RawJSON {
        let answer = try await ask("update", stream, group, item) { builder in
            StateChange.write(changes, into: &builder)
        }
        return try StateChange.newValue(in: answer, unlessNamed: "STREAM_UPDATE_ERROR")
    }

    /// The values of a group, in the order in which their items were first set.
    public func list<Value: Decodable>(
        _ stream: String,
        _ group: String,
        as type: Value.Type = Value.self
    ) async throws(SDKError) -> [Value] {
        guard let values = try await ask("list", stream, group, nil) else { return [] }
        return try JSONCoding.decode([Value].self, from: values.bytes, what: "\(stream)/\(group)")
    }

    /// Tells the subscribers of a group, or of one of its items, something that changes no item.
    public func send(
        _ stream: String,
        _ group: String,
        type: String,
        _ data: some Encodable,
        about item: String? = nil
    ) async throws(SDKError) {
        let data = try JSONCoding.encode(data, what: "what is sent to \(stream)/\(group)")
        _ = try await ask("send", stream, group, nil) { builder in
            builder.key("type")
            builder.string(type)
            builder.key("data")
            builder.raw(bytes: data.bytes)
            guard let item else { return }
            builder.key("id")
            builder.string(item)
        }
    }

    private func ask(
        _ verb: String,
        _ stream: String,
        _ group: String,
        _ item: String?,
        _ more: (inout JSONBuilder) -> Void = { _ in }
    ) async throws(SDKError) -> RawJSON? {
        var builder = JSONBuilder()
        builder.beginObject()
        builder.key("stream_name")
        builder.string(stream)
        builder.key("group_id")
        builder.string(group)
        if let item {
            builder.key("item_id")
            builder.string(item)
        }
        more(&builder)
        builder.endObject()
        return try await caller.call(raw: "stream::\(verb)", RawJSON(builder.finish()))
    }
}
