import Engine
import Observability
import Primitives

extension MetricsText {
    private typealias Row = (labels: MetricsWriter.Labels, count: RecordTotals.Function)

    /// Functions that have series of their own: those that ran first since the start, so that none
    /// takes what it has from the others. The rest is one series.
    private static let functionLimit = 500
    /// The same for how long runs took: that is a series for each bound.
    private static let timedFunctionLimit = 100

    /// Runs of functions, and how long they took.
    mutating func functions() {
        let ran = totals.functions.sorted { $0.value.place < $1.value.place }
        let functions: [Row] = ran.map { name, count in
            ([("function", name.id), ("namespace", name.namespace)], count)
        }
        let rows = gathered(functions, limit: Self.functionLimit)
        let calls = "iii_invocations_total"
        writer.family(
            calls,
            .counter,
            "Runs of functions by workers, by what they came to.",
            as: "iii.invocations.total"
        )
        for row in rows {
            let succeeded = row.count.calls - row.count.errors
            writer.sample(calls, succeeded, row.labels + [("outcome", "ok")])
            writer.sample(calls, row.count.errors, row.labels + [("outcome", "error")])
        }
        let errors = "iii_invocation_errors_total"
        let help = "Those of them that failed."
        writer.family(errors, .counter, help, as: "iii.invocation.errors.total")
        for row in rows { writer.sample(errors, row.count.errors, row.labels) }
        let seconds = "iii_invocation_seconds_total"
        writer.family(seconds, .counter, "What those runs took, all together.")
        for row in rows {
            writer.sample(seconds, Double(row.count.took) / 1_000_000_000, row.labels)
        }
        writer.family(
            "iii_invocation_duration_seconds",
            .histogram,
            "How long they took, by what they came to.",
            as: "iii.invocation.duration"
        )
        for row in gathered(functions, limit: Self.timedFunctionLimit) {
            let outcomes = [("ok", row.count.succeeded), ("error", row.count.failed)]
            for (outcome, times) in outcomes where times.total > 0 {
                writer.histogram(of: times, row.labels + [("outcome", outcome)])
            }
        }
        writer.single("iii_running", .gauge, "Runs under way.", picture.work.running)
    }

    /// The first `limit` of them, and the rest as one.
    private func gathered(_ rows: [Row], limit: Int) -> [Row] {
        guard rows.count > limit else { return rows }
        var rest = totals.otherFunctions
        for row in rows.dropFirst(limit) { rest.add(row.count) }
        let others: Row = ([("function", Self.others), ("namespace", "")], rest)
        return Array(rows.prefix(limit)) + [others]
    }
}
