import JSON

/// The engine's key-value store: values by scope and key, durable when a call returns.
public struct StateStore<Via: Caller>: Sendable {
    let caller: Via

    /// The value, or nil when there is none.
    public func get<Value: Decodable>(
        _ scope: String,
        _ key: String,
        as type: Value.Type = Value.self
    ) async throws(SDKError) -> Value? {
        guard let value = try await ask("get", scope, key) else { return nil }
        return try JSONCoding.decode(type, from: value.bytes, what: "\(scope)/\(key)")
    }

    /// Sets a value, whatever was there.
    public func set(
        _ scope: String,
        _ key: String,
        _ value: some Encodable
    ) async throws(SDKError) {
        let value = try JSONCoding.encode(value, what: "\(scope)/\(key)")
        _ = try await ask("set", scope, key) { builder in
            builder.key("value")
            builder.raw(bytes: value.bytes)
        }
    }

    /// Removes a value. False when there was none.
    @discardableResult
    public func delete(_ scope: String, _ key: String) async throws(SDKError) -> Bool {
        try await ask("delete", scope, key) != nil
    }

    /// The values of a scope, in the order in which their keys were first set.
    public func list<Value: Decodable>(
        _ scope: String,
        as type: Value.Type = Value.self
    ) async throws(SDKError) -> [Value] {
        guard let values = try await ask("list", scope, nil) else { return [] }
        return try JSONCoding.decode([Value].self, from: values.bytes, what: "the scope \(scope)")
    }

    /// Changes a value in place, atomically; returns the new value. A change that does not fit the
    /// value is skipped, and the first one of those is thrown after the others were made.
    @discardableResult
    public func update(
        _ scope: String,
        _ key: String,
        _ changes: [StateChange]
    ) async throws(SDKError) -> RawJSON {
        let answer = try await ask("update", scope, key) { builder in
            StateChange.write(changes, into: &builder)
        }
        return try StateChange.newValue(in: answer, unlessNamed: "UPDATE_ERROR")
    }

    private func ask(
        _ verb: String,
        _ scope: String,
        _ key: String?,
        _ more: (inout JSONBuilder) -> Void = { _ in }
    ) async throws(SDKError) -> RawJSON? {
        var builder = JSONBuilder()
        builder.beginObject()
        builder.key("scope")
        builder.string(scope)
        if let key {
            builder.key("key")
            builder.string(key)
        }
        more(&builder)
        builder.endObject()
        return try await caller.call(raw: "state::\(verb)", RawJSON(builder.finish()))
    }
}

/// One change of ``StateStore/update(_:_:_:)``. A field is a literal name, dots and all; the empty
/// one is the whole value.
public struct StateChange: Sendable {
    let json: RawJSON

    private init(_ type: String, _ field: String, _ more: (inout JSONBuilder) -> Void) {
        var builder = JSONBuilder()
        builder.beginObject()
        builder.key("type")
        builder.string(type)
        builder.key("path")
        builder.string(field)
        more(&builder)
        builder.endObject()
        json = RawJSON(builder.finish())
    }

    private init(_ type: String, _ field: String, _ value: some Encodable) throws(SDKError) {
        let value = try JSONCoding.encode(value, what: "the new value of \(field)")
        self.init(type, field) { builder in
            builder.key("value")
            builder.raw(bytes: value.bytes)
        }
    }

    /// The field `ops` of an update.
    static func write(_ changes: [StateChange], into builder: inout JSONBuilder) {
        builder.key("ops")
        builder.beginArray()
        for change in changes { builder.raw(bytes: change.json.bytes) }
        builder.endArray()
    }

    /// The value that an update answered with.
    ///
    /// - Throws: the first change that was skipped; `code` is that of one that names none.
    static func newValue(
        in answer: RawJSON?,
        unlessNamed code: String
    ) throws(SDKError) -> RawJSON {
        let result = JSONText(trusted: (answer ?? .null).bytes)
        if let error = result.member("errors")?.elements?.first {
            throw SDKError(
                code: .init(rawValue: error.member("code")?.stringValue ?? code),
                message: error.member("message")?.stringValue ?? error.description
            )
        }
        return RawJSON(result.member("new_value") ?? .null)
    }

    /// Sets a field.
    public static func set(_ field: String, _ value: some Encodable) throws(SDKError) -> Self {
        try Self("set", field, value)
    }

    /// Adds to a number; to nothing as to 0.
    public static func increment(_ field: String, by amount: Int64 = 1) -> Self {
        Self("increment", field) { builder in
            builder.key("by")
            builder.integer(amount)
        }
    }

    /// Subtracts from a number; from nothing as from 0.
    public static func decrement(_ field: String, by amount: Int64 = 1) -> Self {
        Self("decrement", field) { builder in
            builder.key("by")
            builder.integer(amount)
        }
    }

    /// Removes a field.
    public static func remove(_ field: String) -> Self { Self("remove", field) { _ in } }

    /// Overwrites the fields of an object with those of `value`.
    public static func merge(_ field: String, _ value: some Encodable) throws(SDKError) -> Self {
        try Self("merge", field, value)
    }

    /// Adds an element to an array, or text to a text.
    public static func append(_ field: String, _ value: some Encodable) throws(SDKError) -> Self {
        try Self("append", field, value)
    }
}
