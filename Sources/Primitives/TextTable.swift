/// Rows of text below headings; each column is as wide as it must be.
package struct TextTable {
    private let headings: [String]
    /// Columns whose cells stand to the right.
    private let numbers: Set<Int>
    private var rows: [[String]] = []

    package init(_ headings: [String], numbers: Set<Int> = []) {
        self.headings = headings
        self.numbers = numbers
    }

    package mutating func add(_ cells: [String]) {
        precondition(cells.count == headings.count)
        rows.append(cells)
    }

    package var isEmpty: Bool { rows.isEmpty }

    /// The headings as `style` has them, then each row, without the lines' ends.
    package func lines(heading style: (String) -> String) -> [String] {
        let widths = headings.indices.map { column in
            rows.map { $0[column].count }.reduce(headings[column].count, max)
        }
        func line(_ cells: [String]) -> String {
            let padded = cells.indices.map { column in
                let cell = cells[column]
                let gap = String(repeating: " ", count: widths[column] - cell.count)
                return numbers.contains(column) ? gap + cell : cell + gap
            }
            var line = padded.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }
        return [style(line(headings))] + rows.map(line)
    }
}
