import JSON
import Primitives
import RecordFormat

/// Which values a field has, and in how many records. Bounded: beyond so many different ones, those
/// that come later are counted together.
package struct ValueCounts {
    /// By their JSON.
    private let table: BoundedTable<Int>
    /// Records that have the field with a value that found no room.
    package let untold: Int
    package let damages: [String]

    /// Tells `limit` values apart.
    ///
    /// - Throws: ``ToolError`` where no record ever has such a field, or files cannot be read.
    package init(
        _ pass: LogPass,
        of field: String,
        _ filter: RecordFilter,
        limit: Int = TableLimits.rows
    ) throws(ToolError) {
        try FieldNames.check(field)
        var table = BoundedTable<Int>(rowLimit: limit)
        var untold = 0
        damages = try pass.read(filter) { record, isWanted in
            guard isWanted else { return }
            for one in LogRecord(record).fields where one.name == field {
                let isThere = table.change(one.jsonText.description, from: 0) { $0 += 1 }
                if !isThere { untold += 1 }
            }
        }
        self.table = table
        self.untold = untold
    }

    package var isEmpty: Bool { table.rows.isEmpty && untold == 0 }

    /// The most frequent first, at most `limit`.
    private func rows(_ limit: Int?) -> ArraySlice<(key: Name, value: Int)> {
        let rows = table.rows.sorted { left, right in
            left.value != right.value ? left.value > right.value : left.key < right.key
        }
        return rows.prefix(limit ?? rows.count)
    }

    private static let width = 240

    /// Writes counts and values, long ones cut.
    package func write(to output: Output, limit: Int? = nil) {
        for row in rows(limit) {
            let json = JSONText(trusted: Array(row.key.text.utf8))
            // An empty string would look like nothing.
            let text = json.stringValue.flatMap { $0.isEmpty ? nil : $0 } ?? row.key.text
            let shown = Text.payload(Array(text.utf8), limit: Self.width)
            output.line("\(Text.rightAligned("\(row.value)", 10))  \(shown)")
        }
        if untold > 0 { output.line("\(Text.rightAligned("\(untold)", 10))  (others)") }
    }

    /// Writes one JSON object a line.
    package func writeJSON(to output: Output, limit: Int? = nil) {
        for row in rows(limit) {
            var json = JSONBuilder()
            json.beginObject()
            json.key("value")
            json.raw(bytes: Array(row.key.text.utf8))
            json.key("records")
            json.integer(row.value)
            json.endObject()
            output.line(json.finish().description)
        }
        guard untold > 0 else { return }
        output.line(#"{"value":null,"others":true,"records":\#(untold)}"#)
    }
}
