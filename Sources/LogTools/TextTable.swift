/// Rows of text below headings; each column is as wide as it must be.
struct TextTable {
    private let headings: [String]
    /// Columns whose cells stand to the right.
    private let numbers: Set<Int>
    private var rows: [[String]] = []

    init(_ headings: [String], numbers: Set<Int>) {
        self.headings = headings
        self.numbers = numbers
    }

    mutating func add(_ cells: [String]) {
        precondition(cells.count == headings.count)
        rows.append(cells)
    }

    /// The headings, and each row, without the lines' ends.
    func lines() -> (heading: String, rows: [String]) {
        let widths = headings.indices.map { column in
            rows.map { $0[column].count }.reduce(headings[column].count, max)
        }
        func line(_ cells: [String]) -> String {
            let padded = cells.indices.map { column in
                numbers.contains(column)
                    ? Text.rightAligned(cells[column], widths[column])
                    : Text.padded(cells[column], widths[column])
            }
            var line = padded.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }
        return (line(headings), rows.map(line))
    }
}
