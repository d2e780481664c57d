/// The rows as people read them.
enum Table {
    private static let widths = [30, 28, 7, 12, 10, 10]

    static let head = line([
        "bench", "system", "clients", "per second", "p50 µs", "p99 µs", "notes",
    ])

    static func row(_ row: Measurement) -> String {
        line([
            row.bench, row.system, row.clients, row.perSecond.map { grouped($0) } ?? "",
            row.p50.map { grouped($0) } ?? "", row.p99.map { grouped($0) } ?? "", row.notes,
        ])
    }

    private static func line(_ cells: [String]) -> String {
        var line = ""
        for (index, cell) in cells.enumerated() {
            guard index < widths.count else { return line + cell }
            let space = String(repeating: " ", count: max(0, widths[index] - cell.count))
            // Text stands left, numbers stand right.
            line += (index < 2 ? cell + space : space + cell) + "  "
        }
        return line
    }

    /// A whole number with commas between thousands.
    static func grouped(_ value: Double) -> String {
        let digits = String(Int(value.rounded()))
        var text = ""
        for (index, digit) in digits.enumerated() {
            let rest = digits.count - index
            if index > 0, rest % 3 == 0, text != "-" { text += "," }
            text.append(digit)
        }
        return text
    }
}
