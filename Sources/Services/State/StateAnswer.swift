package import JSON
package import Primitives

/// The answers of the state functions as JSON text.
package enum StateAnswer {
    /// What `state::set` and `state::update` answer; `errors` is left out when it is empty.
    /// Where the caller wants the revision it stands in front, with what came of the call.
    static func written(
        old: [UInt8]?,
        new: [UInt8],
        errors: [OperationError],
        revision: Offset?
    ) -> [UInt8] {
        var builder = JSONBuilder(capacity: (old?.count ?? 4) + new.count + 80)
        builder.beginObject()
        if let revision { applied(revision, into: &builder) }
        builder.key(plain: "old_value")
        if let old { builder.raw(bytes: old) } else { builder.null() }
        builder.key(plain: "new_value")
        builder.raw(bytes: new)
        write(errors, into: &builder)
        builder.endObject()
        return builder.finish().bytes
    }

    /// `errors`, which is left out when it is empty.
    static func write(_ errors: [OperationError], into builder: inout JSONBuilder) {
        guard !errors.isEmpty else { return }
        builder.key(plain: "errors")
        builder.beginArray()
        for error in errors { write(error, into: &builder) }
        builder.endArray()
    }

    // MARK: Revisions

    private static func applied(_ revision: Offset, into builder: inout JSONBuilder) {
        builder.key(plain: "outcome")
        builder.string("applied")
        builder.key(plain: "revision")
        builder.integer(revision.rawValue)
    }

    /// What `state::delete` answers to whoever wants the revision.
    static func deleted(_ old: [UInt8]?, _ revision: Offset) -> [UInt8] {
        var builder = JSONBuilder(capacity: (old?.count ?? 4) + 80)
        builder.beginObject()
        applied(revision, into: &builder)
        builder.key(plain: "old_value")
        if let old { builder.raw(bytes: old) } else { builder.null() }
        builder.endObject()
        return builder.finish().bytes
    }

    /// Nothing was written: the key has this revision, or 0, none.
    static func refused(_ outcome: String, _ revision: UInt64) -> [UInt8] {
        var builder = JSONBuilder()
        builder.beginObject()
        builder.key(plain: "outcome")
        builder.string(outcome)
        builder.key(plain: "revision")
        builder.integer(revision)
        builder.endObject()
        return builder.finish().bytes
    }

    /// A value with its revision; nil and 0: the key is not there.
    package static func revised(
        _ value: [UInt8]?,
        _ revision: UInt64,
        _ expires: Timestamp?
    ) -> [UInt8] {
        var builder = JSONBuilder(capacity: (value?.count ?? 4) + 80)
        builder.beginObject()
        builder.key(plain: "value")
        if let value { builder.raw(bytes: value) } else { builder.null() }
        builder.key(plain: "revision")
        builder.integer(revision)
        if let expires {
            builder.key(plain: "expires_at")
            builder.integer(expires.milliseconds)
        }
        builder.endObject()
        return builder.finish().bytes
    }

    // MARK: Several keys

    /// A key of a page.
    struct Row {
        let key: Name
        let value: [UInt8]
        let revision: Offset
        let expires: Timestamp?
    }

    static func page(_ rows: [Row], cursor: Name?) -> [UInt8] {
        var builder = JSONBuilder(capacity: rows.reduce(64) { $0 + $1.value.count + 96 })
        builder.beginObject()
        builder.key(plain: "entries")
        builder.beginArray()
        for row in rows {
            builder.beginObject()
            builder.key(plain: "key")
            builder.string(row.key.text)
            builder.key(plain: "value")
            builder.raw(bytes: row.value)
            builder.key(plain: "revision")
            builder.integer(row.revision.rawValue)
            if let expires = row.expires {
                builder.key(plain: "expires_at")
                builder.integer(expires.milliseconds)
            }
            builder.endObject()
        }
        builder.endArray()
        builder.key(plain: "cursor")
        if let cursor { builder.string(cursor.text) } else { builder.null() }
        builder.endObject()
        return builder.finish().bytes
    }

    /// What `state::changes` answers where there are none up to the record at `last`, the youngest.
    package static func noChanges(upTo last: Offset) -> [UInt8] {
        var builder = JSONBuilder()
        builder.beginObject()
        builder.key(plain: "changes")
        builder.beginArray()
        endChanges(&builder, next: last, isAtEnd: true)
        return builder.finish().bytes
    }

    /// Ends the list of changes, and what `state::changes` answers with it.
    package static func endChanges(
        _ builder: inout JSONBuilder,
        next: Offset,
        isAtEnd: Bool
    ) {
        builder.endArray()
        builder.key(plain: "next")
        builder.integer(next.rawValue)
        builder.key(plain: "at_end")
        builder.bool(isAtEnd)
        builder.endObject()
    }

    /// `{"values":[…]}` around answers.
    static func values(_ answers: [[UInt8]]) -> [UInt8] {
        var builder = JSONBuilder(capacity: answers.reduce(16) { $0 + $1.count + 1 })
        builder.beginObject()
        builder.key(plain: "values")
        builder.raw(bytes: list(answers))
        builder.endObject()
        return builder.finish().bytes
    }

    private static func write(_ error: OperationError, into builder: inout JSONBuilder) {
        builder.beginObject()
        builder.key(plain: "op_index")
        builder.integer(error.index)
        builder.key(plain: "code")
        builder.string(error.code)
        builder.key(plain: "message")
        builder.string(error.message)
        builder.key(plain: "doc_url")
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
        builder.key(plain: "groups")
        builder.beginArray()
        for scope in scopes { builder.string(scope.text) }
        builder.endArray()
        builder.endObject()
        return builder.finish().bytes
    }
}
