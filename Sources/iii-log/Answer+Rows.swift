import CommandLineKit
import LogTools
import Primitives

extension Answer {
    /// Writes rows as a table where a person looks, else as JSON, one object a line; `none` is
    /// noted where there are none.
    static func write(_ answer: AnswerRows, json: Bool, none: String) throws(Failure) {
        let output = Answer.output()
        switch ReportFormat.choose(json: json) {
        case .jsonLines: for row in answer.rows { output.line(row.json) }
        case .text where answer.rows.isEmpty: break
        case .text:
            var table = TextTable(answer.headings, numbers: answer.numbers)
            for row in answer.rows { table.add(row.cells) }
            for line in table.lines(heading: { Palette.output.bold($0) }) { output.line(line) }
        }
        try finish(output)
        for text in answer.notes { note(text) }
        if answer.rows.isEmpty { note(none) }
    }
}
