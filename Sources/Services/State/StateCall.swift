import JSON
import Primitives

extension Limits {
    /// What a value may take of a record, in bytes; the rest is for names and the record's own
    /// fields.
    package static let stateValueBytes = recordBytes - 2 * nameBytes - 1024
    /// Levels of arrays and objects in a value, so that the messages around it can be read back.
    package static let stateDepth = jsonDepth - 4
}

/// A scope and a key.
struct StatePlace: Hashable, Sendable, CustomStringConvertible {
    let scope: Name
    let key: Name

    var description: String { "\"\(key.text)\" in scope \"\(scope.text)\"" }
}

/// The input of one call, read field by field.
struct StateCall {
    let function: StateFunction
    private let fields: JSONFields

    /// A part of a call, such as one write of several.
    private init(_ function: StateFunction, _ fields: JSONFields) {
        self.function = function
        self.fields = fields
    }

    /// - Throws: `deserialization_error` when the input is neither an object nor null.
    init(_ function: StateFunction, input: JSONText) throws(ErrorBody) {
        self.function = function
        fields = try Self.reading(for: function) { () throws(JSONFieldError) in
            try JSONFields(input.isNull ? .emptyObject : input)
        }
    }

    func place() throws(ErrorBody) -> StatePlace {
        StatePlace(scope: try name("scope"), key: try name("key"))
    }

    /// The name in `field`; any text, also an empty one, up to `Limits.nameBytes`.
    func name(_ field: String) throws(ErrorBody) -> Name {
        let text = try reading { () throws(JSONFieldError) in try fields.requiredString(field) }
        guard text.utf8.count <= Limits.nameBytes else {
            throw failure(
                "the \(field) is \(text.utf8.count) bytes long; "
                    + "at most \(Limits.nameBytes) are allowed"
            )
        }
        return Name(text)
    }

    /// The value to set, which may be null, under either of its names.
    func value() throws(ErrorBody) -> JSONText {
        switch (fields.optionalValue("value"), fields.optionalValue("data")) {
        case (let value?, nil), (nil, let value?): return value
        case (nil, nil): throw Self.unreadable(function, JSONFieldError.missing(field: "value"))
        case (_?, _?):
            throw Self.unreadable(function, "\"value\" and \"data\" are one field; send one")
        }
    }

    /// The operations of an update, in order.
    func operations() throws(ErrorBody) -> [UpdateOperation] {
        try reading { () throws(JSONFieldError) in
            var operations: [UpdateOperation] = []
            for (index, text) in try fields.requiredArray("ops").enumerated() {
                operations.append(try UpdateOperation(text, at: "ops[\(index)]"))
            }
            return operations
        }
    }

    // MARK: Revisions and expiry

    /// The revision that the key must have: 0, it must not be there; nil: any.
    func expectedRevision() throws(ErrorBody) -> UInt64? { try offset("if_revision") }

    /// Whether the answer to a write tells the revision.
    func wantsRevision() throws(ErrorBody) -> Bool {
        if try expectedRevision() != nil { return true }
        return try flag("with_revision")
    }

    /// When the value that is written goes by itself, from `ttl_ms` or `expires_at`; nil: the call
    /// does not say.
    func expiry(_ now: Timestamp) throws(ErrorBody) -> Timestamp? {
        let (ttl, time) = try reading { () throws(JSONFieldError) in
            (try fields.optionalInteger("ttl_ms"), try fields.optionalInteger("expires_at"))
        }
        switch (ttl, time) {
        case (nil, nil): return nil
        case (_?, _?):
            throw Self.unreadable(
                function,
                "\"ttl_ms\" and \"expires_at\" are two ways; send one"
            )
        case (let ttl?, nil):
            guard (1...Self.millisecondsMax).contains(ttl) else {
                throw Self.unreadable(
                    function,
                    "\"ttl_ms\" is a number from 1 to \(Self.millisecondsMax)"
                )
            }
            return now.advanced(by: .milliseconds(ttl))
        case (nil, let time?):
            guard (0...Self.timeMax).contains(time) else {
                throw Self.unreadable(
                    function,
                    "\"expires_at\" is in milliseconds since 1970, and before the year 2200"
                )
            }
            return Timestamp(nanoseconds: time * 1_000_000)
        }
    }

    /// A hundred years; and the year 2200.
    private static let millisecondsMax: Int64 = 3_155_760_000_000
    private static let timeMax: Int64 = 7_258_118_400_000

    // MARK: Other fields

    func flag(_ field: String) throws(ErrorBody) -> Bool {
        try reading { () throws(JSONFieldError) in try fields.optionalBool(field) ?? false }
    }

    func optionalText(_ field: String) throws(ErrorBody) -> String? {
        try reading { () throws(JSONFieldError) in try fields.optionalString(field) }
    }

    /// What keys begin with, under either of its names; empty where it is left out.
    func prefix() throws(ErrorBody) -> String {
        let prefix = try optionalText("prefix")
        let keyPrefix = try optionalText("key_prefix")
        if prefix != nil, keyPrefix != nil {
            throw Self.unreadable(
                function,
                "\"prefix\" and \"key_prefix\" are one field; send one"
            )
        }
        return prefix ?? keyPrefix ?? ""
    }

    /// A number from 1 to `most`.
    func count(_ field: String, usual: Int64, most: Int64) throws(ErrorBody) -> Int64 {
        let count = try reading { () throws(JSONFieldError) in
            try fields.optionalInteger(field) ?? usual
        }
        guard (1...most).contains(count) else {
            throw Self.unreadable(function, "\"\(field)\" is a number from 1 to \(most)")
        }
        return count
    }

    private func offset(_ field: String) throws(ErrorBody) -> UInt64? {
        let number = try reading { () throws(JSONFieldError) in try fields.optionalInteger(field) }
        guard let number else { return nil }
        guard let offset = UInt64(exactly: number), Offset(offset) <= .limit else {
            throw Self.unreadable(
                function,
                "\"\(field)\" is a revision: an offset of the log, or 0"
            )
        }
        return offset
    }

    /// When the state is asked for: an offset, or a time as RFC 3339 has it; nil: now.
    func moment() throws(ErrorBody) -> StateQuestion.Moment? {
        guard let value = fields.optionalValue("at"), !value.isNull else { return nil }
        guard let text = value.stringValue else {
            return try offset("at").map { .offset(Offset($0)) }
        }
        guard let time = Timestamp(rfc3339: text) else {
            throw Self.unreadable(
                function,
                "\"at\" is an offset, or a time such as \"2026-09-01T12:00:00Z\""
            )
        }
        return .time(time)
    }

    func historyQuestion() throws(ErrorBody) -> StateQuestion.History {
        try refuseOthers(than: ["scope", "key", "before", "limit"])
        let place = try place()
        return StateQuestion.History(
            scope: place.scope.text,
            key: place.key.text,
            before: try offset("before").map { Offset($0) },
            limit: Int(try count("limit", usual: 20, most: 1000))
        )
    }

    func changesQuestion() throws(ErrorBody) -> StateQuestion.Changes {
        try refuseOthers(than: ["scope", "prefix", "key_prefix", "after", "limit", "wait_ms"])
        let wait = try reading { () throws(JSONFieldError) in
            try fields.optionalInteger("wait_ms") ?? 0
        }
        guard (0...60_000).contains(wait) else {
            throw Self.unreadable(function, "\"wait_ms\" is a number from 0 to 60000")
        }
        return StateQuestion.Changes(
            scope: try optionalText("scope"),
            prefix: try prefix(),
            after: Offset(try offset("after") ?? 0),
            limit: Int(try count("limit", usual: 100, most: 1000)),
            wait: UInt64(wait) * 1_000_000
        )
    }

    // MARK: Several keys

    /// The keys of `keys`: objects with scope and key, or names of keys in `scope`.
    func places() throws(ErrorBody) -> [StatePlace] {
        try refuseOthers(than: ["scope", "keys"])
        let keys = try reading { () throws(JSONFieldError) in try fields.requiredArray("keys") }
        guard keys.count <= Limits.stateGetMany else {
            throw failure("at most \(Limits.stateGetMany) keys are allowed")
        }
        var places: [StatePlace] = []
        for (index, key) in keys.enumerated() {
            if let text = key.stringValue {
                guard text.utf8.count <= Limits.nameBytes else {
                    throw failure("keys[\(index)] has more than \(Limits.nameBytes) bytes")
                }
                places.append(StatePlace(scope: try name("scope"), key: Name(text)))
            } else {
                let part = try part(key, "keys[\(index)]")
                try part.refuseOthers(than: ["scope", "key"])
                places.append(try part.place())
            }
        }
        return places
    }

    /// The objects of an array, which may be left out; each has none but the `known` fields.
    func parts(_ field: String, known: [String]) throws(ErrorBody) -> [StateCall] {
        let texts = try reading { () throws(JSONFieldError) in
            try fields.optionalArray(field) ?? []
        }
        var parts: [StateCall] = []
        for (index, text) in texts.enumerated() {
            let part = try part(text, "\(field)[\(index)]")
            try part.refuseOthers(than: known)
            parts.append(part)
        }
        return parts
    }

    private func part(_ text: JSONText, _ path: String) throws(ErrorBody) -> StateCall {
        let fields = try reading { () throws(JSONFieldError) in try JSONFields(text, path: path) }
        return StateCall(function, fields)
    }

    /// What one write of several does.
    enum Kind: String { case set, update, delete }

    func kind() throws(ErrorBody) -> Kind {
        let type = try reading { () throws(JSONFieldError) in try fields.requiredString("type") }
        guard let kind = Kind(rawValue: type) else {
            throw Self.unreadable(function, "a write's \"type\" is set, update or delete")
        }
        return kind
    }

    // MARK: Errors

    /// Refuses what is misspelt, where passing over it would do something else than what is meant:
    /// for the functions that only this engine has. The others ignore what they do not know
    /// (services 1, 0.3). Names that begin with an underscore are not the caller's:
    /// `_caller_worker_id` is put there on the way. And all these functions tell revisions, whether
    /// or not they are asked to.
    ///
    /// - Throws: `deserialization_error` for the first field that is none of `known`.
    func refuseOthers(than known: [String]) throws(ErrorBody) {
        guard let other = fields.names.first(where: { isOther($0, than: known) }) else { return }
        // However long it is: what an error tells of it is short.
        let word = String(decoding: other.utf8.prefix(64), as: UTF8.self)
        let phrase = Suggestion.phrase(for: word, in: known)
        throw Self.unreadable(function, "unknown field \"\(fields.path(of: word))\"\(phrase)")
    }

    /// Members of the input that the function passes over, a few of them where there are many; none
    /// where it refuses those. An input that has no more members than the function needs is not
    /// looked through.
    var unknownMembers: [String] {
        let needed: Int
        switch function {
        case .get, .delete: needed = 2
        case .set, .update: needed = 3
        default: return []
        }
        guard fields.count > needed else { return [] }
        return Array(fields.names.lazy.filter { isOther($0, than: function.members) }.prefix(8))
    }

    private func isOther(_ name: String, than known: [String]) -> Bool {
        !known.contains(name) && name != "with_revision" && !name.hasPrefix("_")
    }

    /// An error with the function's own code.
    func failure(_ message: String) -> ErrorBody {
        ErrorBody(code: function.errorCode, message: message)
    }

    private func reading<Value>(
        _ read: () throws(JSONFieldError) -> Value
    ) throws(ErrorBody) -> Value {
        try Self.reading(for: function, read)
    }

    private static func reading<Value>(
        for function: StateFunction,
        _ read: () throws(JSONFieldError) -> Value
    ) throws(ErrorBody) -> Value {
        do throws(JSONFieldError) { return try read() } catch { throw unreadable(function, error) }
    }

    private static func unreadable(
        _ function: StateFunction,
        _ reason: some CustomStringConvertible
    ) -> ErrorBody {
        ErrorBody(
            code: "deserialization_error",
            message: "Failed to deserialize input for \(function.rawValue): \(reason)"
        )
    }
}
