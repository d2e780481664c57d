/// Writes records as JSON Lines, whole but for what is to be hidden.
package struct Export {
    package struct Outcome: Equatable, Sendable {
        package var records = 0
        /// The paths that nothing was at.
        package var unmet: [String] = []
        package var damages: [String] = []
    }

    private let pass: LogPass
    private let filter: RecordFilter
    private let redaction: Redaction

    package init(_ pass: LogPass, _ filter: RecordFilter, _ redaction: Redaction) {
        self.pass = pass
        self.filter = filter
        self.redaction = redaction
    }

    package func run(to output: Output) throws(ToolError) -> Outcome {
        var redaction = redaction
        var outcome = Outcome()
        let damages = try pass.read(filter) { view, isWanted in
            guard isWanted else { return }
            let record = LogRecord(view)
            let fields = record.event.map { redaction.apply(to: $0.fields) }
            output.line(record.json(fields: fields))
            outcome.records += 1
        }
        outcome.unmet = redaction.unmet
        outcome.damages = damages
        return outcome
    }
}
