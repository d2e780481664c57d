import Events
import JSON
package import Primitives

extension ConfigurationView {
    /// What a call leads to. `placeholders` is what the engine's environment makes of values.
    ///
    /// - Throws: the codes of services 1, E.2.
    package func decide(
        _ call: ConfigurationCall,
        _ placeholders: Placeholders
    ) throws(ErrorBody) -> ConfigurationDecision {
        switch call {
        case .register(let registration): try decide(registration, placeholders)
        case .set(let id, let value): try decideSet(id, value, placeholders)
        case .get(let id, let isRaw):
            ConfigurationDecision(
                event: nil,
                result: try value(of: id, isRaw: isRaw, placeholders)
            )
        case .list:
            ConfigurationDecision(
                event: nil,
                result: JSONValue.object([
                    "configurations": .array(ids.compactMap { row(of: $0).map { .object($0) } })
                ]).text
            )
        case .schema(let id): ConfigurationDecision(event: nil, result: try schema(of: id))
        }
    }

    // MARK: Writing

    private func decide(
        _ registration: ConfigurationRegistration,
        _ placeholders: Placeholders
    ) throws(ErrorBody) -> ConfigurationDecision {
        let id = registration.id
        try Self.check(id: id)
        let old = self[id]
        if old == nil { try checkRoom() }
        let event = ConfigurationRegistered(
            id: id,
            name: registration.name,
            description: registration.description,
            schema: registration.schema.bytes,
            metadata: registration.metadata?.bytes ?? [],
            // A record carries the outcome: of a new entry that is null.
            value: (registration.initialValue ?? (old == nil ? .null : nil))?.bytes
        )
        let value = registration.initialValue ?? old?.value ?? .null
        // First: to read a schema, and to hold a value against it, is work that grows with both.
        try Self.check(bytes: event.size(with: value), id)
        let schema = try Self.schema(registration)
        if let value = registration.initialValue { try check(value, schema, id, placeholders) }
        var entry = event.row
        entry["value"] = value.value()
        return ConfigurationDecision(
            event: .registered(event),
            result: JSONValue.object(entry).text
        )
    }

    private static func schema(
        _ registration: ConfigurationRegistration
    ) throws(ErrorBody) -> Schema {
        do throws(SchemaError) {
            return try Schema(registration.schema)
        } catch {
            throw ErrorBody(
                code: "SCHEMA_INVALID",
                message: "the schema of \"\(registration.id)\" is refused: \(error)"
            )
        }
    }

    private func decideSet(
        _ id: String,
        _ value: JSONText,
        _ placeholders: Placeholders
    ) throws(ErrorBody) -> ConfigurationDecision {
        try Self.check(id: id)
        guard let entry = self[id] else {
            throw ErrorBody(
                code: "NOT_REGISTERED",
                message: "there is no configuration \"\(id)\"; configuration::register makes one"
            )
        }
        guard let schema = entry.schema else {
            throw ErrorBody(
                code: "SCHEMA_UNAVAILABLE",
                message: "configuration \"\(id)\" has a value and no schema to hold a new one "
                    + "against; configuration::register gives it one"
            )
        }
        try Self.check(bytes: entry.size(with: value), id)
        try check(value, schema, id, placeholders)
        return ConfigurationDecision(
            event: .set(ConfigurationSet(id: id, value: value.bytes)),
            result: JSONValue.object([
                "old_value": entry.value.value(), "new_value": value.value(),
            ]).text
        )
    }

    /// Lower-case names that are names of files everywhere.
    private static func check(id: String) throws(ErrorBody) {
        guard ConfigurationView.isID(id) else {
            throw ErrorBody(
                code: "INVALID_ID",
                message: "\"\(id.prefix(100))\" is no id of a configuration: 1 to 64 of a-z, 0-9, "
                    + "_ and -"
            )
        }
    }

    package static func isID(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    func checkRoom() throws(ErrorBody) {
        guard count < Self.entriesMax else {
            throw ErrorBody(
                code: "ADAPTER_ERROR",
                message: "there are \(Self.entriesMax) configurations, and no more can be"
            )
        }
    }

    static func check(bytes: Int, _ id: String) throws(ErrorBody) {
        guard bytes <= entryBytesMax else {
            throw ErrorBody(
                code: "ADAPTER_ERROR",
                message: "configuration \"\(id)\" would have \(bytes) bytes, its schema included; "
                    + "at most \(entryBytesMax) can be kept"
            )
        }
    }

    /// A value is held against the schema as it would be read now; where it cannot be read now, as
    /// a variable is not set, it is taken as it is.
    func check(
        _ value: JSONText,
        _ schema: Schema,
        _ id: String,
        _ placeholders: Placeholders
    ) throws(ErrorBody) {
        let expanded: JSONValue
        do throws(Placeholders.Failure) {
            expanded = try placeholders.expand(value.value())
        } catch {
            return
        }
        guard let problem = schema.violation(of: expanded) else { return }
        throw Self.mismatch(id, problem)
    }

    private static func mismatch(_ id: String, _ problem: String) -> ErrorBody {
        ErrorBody(
            code: "SCHEMA_INVALID",
            message: "the value of configuration \"\(id)\" is not what its schema wants: \(problem)"
        )
    }

    // MARK: Reading

    private func value(
        of id: String,
        isRaw: Bool,
        _ placeholders: Placeholders
    ) throws(ErrorBody) -> JSONText {
        guard let entry = self[id] else { throw Self.notFound(id) }
        let expanded: JSONValue
        let raw = entry.value.value()
        do throws(Placeholders.Failure) {
            expanded = try placeholders.expand(raw)
        } catch {
            // Whoever wants to mend it has to see it.
            if isRaw { return JSONValue.object(["id": .string(id), "value": raw]).text }
            throw ErrorBody(
                code: "EXPAND_FAILED",
                message: "the value of configuration \"\(id)\" cannot be read: \(error.text)"
            )
        }
        if let problem = entry.schema?.violation(of: expanded) { throw Self.mismatch(id, problem) }
        return JSONValue.object(["id": .string(id), "value": isRaw ? raw : expanded]).text
    }

    private func schema(of id: String) throws(ErrorBody) -> JSONText {
        guard let row = row(of: id) else { throw Self.notFound(id) }
        return JSONValue.object(row).text
    }

    /// An entry as lists show it, without its value.
    private func row(of id: String) -> JSONObject? {
        guard let entry = self[id] else { return nil }
        return describedRow(
            id,
            entry.name,
            entry.description,
            entry.schemaText,
            entry.metadata
        )
    }

    private static func notFound(_ id: String) -> ErrorBody {
        ErrorBody(
            code: "NOT_FOUND",
            message: "there is no configuration \"\(id.prefix(100))\"; configuration::list names "
                + "those that are"
        )
    }
}

private func describedRow(
    _ id: String,
    _ name: String,
    _ description: String,
    _ schema: JSONText?,
    _ metadata: JSONText?
) -> JSONObject {
    var row: JSONObject = [
        "id": .string(id), "name": .string(name), "description": .string(description),
        "schema": schema?.value() ?? .null,
    ]
    if let metadata { row["metadata"] = metadata.value() }
    return row
}

extension ConfigurationRegistered {
    fileprivate var row: JSONObject {
        describedRow(
            id,
            name,
            description,
            JSONText(trusted: schema),
            metadata.isEmpty ? nil : JSONText(trusted: metadata)
        )
    }

    func size(with value: JSONText) -> Int {
        name.utf8.count + description.utf8.count + schema.count + metadata.count
            + value.bytes.count
    }
}

extension ConfigurationView.Entry {
    func size(with value: JSONText) -> Int {
        name.utf8.count + description.utf8.count + (schemaText?.bytes.count ?? 0)
            + (metadata?.bytes.count ?? 0) + value.bytes.count
    }
}

extension Placeholders.Failure {
    var text: String {
        switch self {
        case .unset(let name):
            "the environment variable \(name) is not set for the engine, and has no default as in "
                + "${\(name):default}"
        case .tooLarge(let bytes): "with its placeholders replaced it has more than \(bytes) bytes"
        }
    }
}
