/// The rows as programs read them: `bench.json`.
enum BenchFile {
    static func text(_ rows: [Measurement]) -> String {
        "[\n" + rows.map { "  " + object($0) }.joined(separator: ",\n") + "\n]\n"
    }

    private static func object(_ row: Measurement) -> String {
        let members = [
            ("bench", quoted(row.bench)), ("system", quoted(row.system)),
            ("clients", quoted(row.clients)), ("per_second", number(row.perSecond)),
            ("p50_us", number(row.p50)), ("p99_us", number(row.p99)), ("notes", quoted(row.notes)),
        ]
        return "{" + members.map { "\"\($0)\": \($1)" }.joined(separator: ", ") + "}"
    }

    private static func number(_ value: Double?) -> String {
        value.map { String(($0 * 10).rounded() / 10) } ?? "null"
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case "\u{0}"..<" ": quoted += " "
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
