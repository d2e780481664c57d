import JSON

// Values with their revisions: writes that expect one, several at once, pages, and what was before.

/// A value of the state with what the engine knows about it.
public struct StateEntry<Value: Decodable & Sendable>: Decodable, Sendable {
    /// The key, where the entry is one of several.
    public let key: String?
    /// What the key holds.
    public let value: Value
    /// Changes with every write of the key, and never comes back: the offset of its last write.
    public let revision: UInt64
    /// When the value goes by itself, in milliseconds since 1970; nil: never.
    public let expiresAt: Int64?

    private enum CodingKeys: String, CodingKey {
        case key, value, revision
        case expiresAt = "expires_at"
    }
}

/// What came of a write that expects a revision.
public enum StateOutcome: Equatable, Sendable {
    /// It was made; the key has this revision now (of a deletion: its own).
    case applied(revision: UInt64)
    /// It was not: the key has this revision.
    case conflict(revision: UInt64)
    /// It was not: there is no such key.
    case notFound
}

/// A page of a scope.
public struct StatePage<Value: Decodable & Sendable>: Decodable, Sendable {
    /// In the order of the bytes of their keys.
    public let entries: [StateEntry<Value>]
    /// Asks for the next page; nil: there is none.
    public let cursor: String?
}

/// A write of a key, as the log has it.
public struct StateVersion<Value: Decodable & Sendable>: Decodable, Sendable {
    /// The offset of its record.
    public let revision: UInt64
    /// RFC 3339.
    public let time: String
    /// The scope, where the version is one of several scopes' changes.
    public let scope: String?
    /// The key, likewise.
    public let key: String?
    /// `set`, `deleted` or `expired`.
    public let kind: String
    /// What was written; nil: the key was deleted, or its time was over.
    public let value: Value?
}

/// Changes behind a record, in order.
public struct StateChanges<Value: Decodable & Sendable>: Decodable, Sendable {
    /// The oldest first.
    public let changes: [StateVersion<Value>]
    /// Ask behind this next: nothing is missed.
    public let next: UInt64
    /// Whether these are all that there are.
    public let atEnd: Bool

    private enum CodingKeys: String, CodingKey {
        case changes, next
        case atEnd = "at_end"
    }
}

/// One write of a transaction.
public struct StateWrite: Sendable {
    let json: RawJSON

    private init(
        _ type: String,
        _ scope: String,
        _ key: String,
        _ revision: UInt64?,
        _ more: (inout JSONBuilder) -> Void = { _ in }
    ) {
        var builder = JSONBuilder()
        builder.beginObject()
        builder.key("type")
        builder.string(type)
        builder.place(scope, key)
        builder.expect(revision)
        more(&builder)
        builder.endObject()
        json = RawJSON(builder.finish())
    }

    /// Sets a value; where `ifRevision` is given, only at that revision (0: only a new key).
    public static func set(
        _ scope: String,
        _ key: String,
        _ value: some Encodable,
        ifRevision: UInt64? = nil
    ) throws(SDKError) -> Self {
        let value = try JSONCoding.encode(value, what: "\(scope)/\(key)")
        return Self("set", scope, key, ifRevision) { builder in
            builder.key("value")
            builder.raw(bytes: value.bytes)
        }
    }

    /// Removes a value.
    public static func delete(_ scope: String, _ key: String, ifRevision: UInt64? = nil) -> Self {
        Self("delete", scope, key, ifRevision)
    }

    /// Changes a value in place.
    public static func update(
        _ scope: String,
        _ key: String,
        _ changes: [StateChange],
        ifRevision: UInt64? = nil
    ) -> Self {
        Self("update", scope, key, ifRevision) { builder in
            builder.key("ops")
            builder.beginArray()
            for change in changes { builder.raw(bytes: change.json.bytes) }
            builder.endArray()
        }
    }
}

extension StateStore {
    // MARK: At a revision

    /// The value with its revision; nil: there is none.
    public func entry<Value: Decodable & Sendable>(
        _ scope: String,
        _ key: String,
        as type: Value.Type = Value.self
    ) async throws(SDKError) -> StateEntry<Value>? {
        let answer = try await call("get") { builder in
            builder.place(scope, key)
            builder.key("with_revision")
            builder.bool(true)
        }
        guard Self.revision(in: answer) != 0 else { return nil }
        return try JSONCoding.decode(
            StateEntry<Value>.self,
            from: answer.bytes,
            what: "\(scope)/\(key)"
        )
    }

    /// Sets a value if the key has `ifRevision`; 0: if there is none yet. It goes by itself after
    /// `timeToLive`, if that is given.
    public func set(
        _ scope: String,
        _ key: String,
        _ value: some Encodable,
        ifRevision: UInt64,
        timeToLive: Duration? = nil
    ) async throws(SDKError) -> StateOutcome {
        let value = try JSONCoding.encode(value, what: "\(scope)/\(key)")
        return try await outcome("set") { builder in
            builder.place(scope, key)
            builder.expect(ifRevision)
            builder.expire(timeToLive)
            builder.key("value")
            builder.raw(bytes: value.bytes)
        }
    }

    /// Sets a value, whatever was there, that goes by itself after `timeToLive`.
    public func set(
        _ scope: String,
        _ key: String,
        _ value: some Encodable,
        timeToLive: Duration
    ) async throws(SDKError) {
        let value = try JSONCoding.encode(value, what: "\(scope)/\(key)")
        _ = try await call("set") { builder in
            builder.place(scope, key)
            builder.expire(timeToLive)
            builder.key("value")
            builder.raw(bytes: value.bytes)
        }
    }

    /// Removes a value if it has `ifRevision`.
    public func delete(
        _ scope: String,
        _ key: String,
        ifRevision: UInt64
    ) async throws(SDKError) -> StateOutcome {
        try await outcome("delete") { builder in
            builder.place(scope, key)
            builder.expect(ifRevision)
        }
    }

    /// Makes all writes, or none where a key is not at the revision that its write or `checks`
    /// expect.
    ///
    /// - Returns: whether they were made; `conflict` has the revision of the first key in the way.
    public func transact(
        checks: [(scope: String, key: String, revision: UInt64)] = [],
        _ writes: [StateWrite]
    ) async throws(SDKError) -> StateOutcome {
        try await outcome("transact") { builder in
            builder.key("checks")
            builder.beginArray()
            for check in checks {
                builder.beginObject()
                builder.place(check.scope, check.key)
                builder.expect(check.revision)
                builder.endObject()
            }
            builder.endArray()
            builder.key("writes")
            builder.beginArray()
            for write in writes { builder.raw(bytes: write.json.bytes) }
            builder.endArray()
        }
    }

    // MARK: Several keys

    /// A page of the keys of a scope that begin with `prefix`.
    public func entries<Value: Decodable & Sendable>(
        _ scope: String,
        prefix: String = "",
        limit: Int = 100,
        cursor: String? = nil,
        as type: Value.Type = Value.self
    ) async throws(SDKError) -> StatePage<Value> {
        let answer = try await call("entries") { builder in
            builder.key("scope")
            builder.string(scope)
            builder.key("prefix")
            builder.string(prefix)
            builder.key("limit")
            builder.integer(limit)
            guard let cursor else { return }
            builder.key("cursor")
            builder.string(cursor)
        }
        return try JSONCoding.decode(
            StatePage<Value>.self,
            from: answer.bytes,
            what: "the scope \(scope)"
        )
    }

    // MARK: What was

    /// The writes of a key, the youngest first, at most `limit`, below the record `before`.
    public func history<Value: Decodable & Sendable>(
        _ scope: String,
        _ key: String,
        limit: Int = 20,
        before: UInt64? = nil,
        as type: Value.Type = Value.self
    ) async throws(SDKError) -> [StateVersion<Value>] {
        let answer = try await call("history") { builder in
            builder.place(scope, key)
            builder.key("limit")
            builder.integer(limit)
            guard let before else { return }
            builder.key("before")
            builder.integer(before)
        }
        let entries = JSONText(trusted: answer.bytes).member("entries") ?? .null
        return try JSONCoding.decode(
            [StateVersion<Value>].self,
            from: entries.bytes,
            what: "the history of \(scope)/\(key)"
        )
    }

    /// Changes behind the record `after`, of one scope or all; where there are none, waits for them
    /// as long as `wait`, at most a minute.
    public func changes<Value: Decodable & Sendable>(
        after: UInt64,
        scope: String? = nil,
        keyPrefix: String = "",
        limit: Int = 100,
        wait: Duration = .zero,
        as type: Value.Type = Value.self
    ) async throws(SDKError) -> StateChanges<Value> {
        let answer = try await call("changes") { builder in
            if let scope {
                builder.key("scope")
                builder.string(scope)
            }
            builder.key("key_prefix")
            builder.string(keyPrefix)
            builder.key("after")
            builder.integer(after)
            builder.key("limit")
            builder.integer(limit)
            builder.key("wait_ms")
            builder.integer(wait.wholeMilliseconds)
        }
        return try JSONCoding.decode(
            StateChanges<Value>.self,
            from: answer.bytes,
            what: "changes of the state"
        )
    }

    // MARK: Calls

    private func outcome(
        _ verb: String,
        _ fields: (inout JSONBuilder) -> Void
    ) async throws(SDKError) -> StateOutcome {
        let answer = try await call(verb, fields)
        let text = JSONText(trusted: answer.bytes)
        switch text.member("outcome")?.stringValue {
        case "applied": return .applied(revision: Self.revision(in: answer))
        case "not_found": return .notFound
        case "conflict":
            let first = text.member("conflicts")?.elements?.first.map { RawJSON($0) }
            return .conflict(revision: Self.revision(in: first ?? answer))
        default:
            throw SDKError(
                code: .deserialization,
                message: "state::\(verb) answered \(answer.text); does this engine know revisions?"
            )
        }
    }

    private static func revision(in answer: RawJSON) -> UInt64 {
        let number = JSONText(trusted: answer.bytes).member("revision")?.numberValue?.int64Value
        return UInt64(number ?? 0)
    }

    private func call(
        _ verb: String,
        _ fields: (inout JSONBuilder) -> Void
    ) async throws(SDKError) -> RawJSON {
        var builder = JSONBuilder()
        builder.beginObject()
        fields(&builder)
        builder.endObject()
        let input = RawJSON(builder.finish())
        return try await caller.call(raw: "state::\(verb)", input) ?? .null
    }
}

extension JSONBuilder {
    fileprivate mutating func place(_ scope: String, _ name: String) {
        key("scope")
        string(scope)
        key("key")
        string(name)
    }

    fileprivate mutating func expect(_ revision: UInt64?) {
        guard let revision else { return }
        key("if_revision")
        integer(revision)
    }

    fileprivate mutating func expire(_ timeToLive: Duration?) {
        guard let timeToLive else { return }
        key("ttl_ms")
        integer(max(1, timeToLive.wholeMilliseconds))
    }
}

extension Duration {
    fileprivate var wholeMilliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
