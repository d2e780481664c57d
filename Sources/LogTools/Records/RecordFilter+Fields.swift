import JSON
import Primitives
import RecordFormat

extension RecordFilter {
    /// Asks for what `term` says, `FIELD=value`. Of several terms for one field one must hold, and
    /// for every field that is named.
    ///
    /// - Throws: ``ToolError`` for what is no such term, and with the nearest names where no record
    ///   ever has that field.
    package mutating func add(_ term: String) throws(ToolError) {
        guard let mark = term.firstIndex(of: "="), mark > term.startIndex else {
            throw ToolError(
                .malformedFilter,
                "'\(term.visible)' is not of the form FIELD=value"
            )
        }
        let name = String(term[..<mark])
        let value = String(term[term.index(after: mark)...])
        if name == "kind" {
            kinds = (kinds ?? []).union(try Self.kinds(value))
            return
        }
        try FieldNames.check(name)
        values[name, default: []].insert(Name(Self.compacted(value)))
    }

    /// JSON as fields have it: arrays and objects are written with blanks by some, and mean the
    /// same without.
    private static func compacted(_ value: String) -> String {
        guard value.hasPrefix("{") || value.hasPrefix("[") else { return value }
        do throws(JSONError) {
            return try JSONText(validating: Array(value.utf8)).compacted().description
        } catch {
            return value
        }
    }

    /// Whether every field that is named has one of the values that are asked for.
    func matches(_ record: RecordView) -> Bool {
        guard !values.isEmpty else { return true }
        let fields = LogRecord(record).fields
        return values.allSatisfy { name, wanted in
            fields.contains { $0.name == name && wanted.contains(Name($0.text)) }
        }
    }
}
