import Events
import JSON
package import Primitives
import RecordFormat

/// Which fields records have, and in how many of which kind.
package struct FieldCounts {
    /// How many records of each kind have a field, by its name.
    private let counts: [String: [UInt8: Int]]
    /// The kinds that there are.
    private let kinds: Set<UInt8>
    package let damages: [String]

    package init(_ pass: LogPass, _ filter: RecordFilter) throws(ToolError) {
        var counts: [String: [UInt8: Int]] = [:]
        var kinds: Set<UInt8> = []
        damages = try pass.read(filter) { record, isWanted in
            guard isWanted else { return }
            kinds.insert(record.kind)
            for field in LogRecord(record).fields {
                counts[field.name, default: [:]][record.kind, default: 0] += 1
            }
        }
        self.counts = counts
        self.kinds = kinds
    }

    package var isEmpty: Bool { counts.isEmpty }

    private struct Row {
        let name: String
        let records: Int
        /// Those with most records first.
        let kinds: [(name: String, records: Int)]
        /// Whether every kind that there is has it.
        let isEverywhere: Bool
    }

    /// In the order of ``FieldNames``.
    private var rows: [Row] {
        FieldNames.all.compactMap { name in
            guard let found = counts[name] else { return nil }
            let kinds = found.map { (name: EventKind.name(of: $0.key), records: $0.value) }
            return Row(
                name: name,
                records: found.values.reduce(0, +),
                kinds: kinds.sorted { ($1.records, $0.name) < ($0.records, $1.name) },
                isEverywhere: found.count == self.kinds.count && self.kinds.count > 1
            )
        }
    }

    /// Writes the fields as a table with headings.
    package func write(to output: Output, palette: Palette) {
        var table = TextTable(["FIELD", "RECORDS", "KINDS"], numbers: [1])
        for row in rows {
            let kinds = row.kinds.map { "\($0.name) \($0.records)" }.joined(separator: ", ")
            table.add([row.name, "\(row.records)", row.isEverywhere ? "(all)" : kinds])
        }
        for line in table.lines(heading: palette.bold) { output.line(line) }
    }

    /// Writes one JSON object a line.
    package func writeJSON(to output: Output) {
        for row in rows {
            var json = JSONBuilder()
            json.beginObject()
            json.key("field")
            json.string(row.name)
            json.key("records")
            json.integer(row.records)
            json.key("kinds")
            json.beginObject()
            for kind in row.kinds {
                json.key(kind.name)
                json.integer(kind.records)
            }
            json.endObject()
            json.endObject()
            output.line(json.finish().description)
        }
    }
}
