import JSON

/// Rows of an answer: cells of a table for a person, and an object each for a program.
package struct AnswerRows: Equatable, Sendable {
    package struct Row: Equatable, Sendable {
        package let cells: [String]
        /// On one line.
        package let json: String
    }

    package let headings: [String]
    /// The columns whose cells stand to the right.
    package let numbers: Set<Int>
    package let rows: [Row]
    /// What is to be known of them beside.
    package let notes: [String]

    /// Of `objects`, which programs get as they are; a column is a heading, and what of an object
    /// stands below it.
    init(
        _ objects: [JSONText],
        _ columns: [(String, (JSONText) -> String)],
        numbers: Set<Int> = [],
        notes: [String] = []
    ) {
        headings = columns.map(\.0)
        self.numbers = numbers
        rows = objects.map { object in
            Row(cells: columns.map { $0.1(object) }, json: object.description)
        }
        self.notes = notes
    }
}

extension JSONText {
    /// A member that is JSON of a user's, on one line; the start of it where that is long.
    func payload(_ name: String) -> String {
        Text.payload(member(name)?.bytes ?? JSONText.null.bytes, limit: 200)
    }

    /// A member that is a whole number.
    func integer(_ name: String) -> Int64? { member(name)?.numberValue?.int64Value }
}
