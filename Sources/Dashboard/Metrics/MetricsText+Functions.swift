import Engine
import Observability
import Primitives

extension MetricsText {
    /// Functions that have series of their own: those that ran first since the start, so that none
    /// takes what it has from the others. The rest is one series.
    private static let functionLimit = 500
    /// The same for how long runs took: that is a series for each bound.
    private static let timedFunctionLimit = 100

    /// Runs of functions, and how long they took. The core counts them all; how they spread over
    /// the bounds only the follower of the log knows, which may have to pass some over.
    mutating func functions() {
        let runs = picture.runs
        let rows = Self.gathered(
            runs.rows.map { (Self.labels($0.function), $0.runs) },
            limit: Self.functionLimit,
            others: runs.others
        ) { $0.add($1) }
        let calls = "iii_invocations_total"
        writer.family(
            calls,
            .counter,
            "Runs of functions by workers, by what they came to.",
            as: "iii.invocations.total"
        )
        for (labels, runs) in rows {
            writer.sample(calls, runs.calls - runs.errors, labels + [("outcome", "ok")])
            writer.sample(calls, runs.errors, labels + [("outcome", "error")])
        }
        let errors = "iii_invocation_errors_total"
        let help = "Those of them that failed."
        writer.family(errors, .counter, help, as: "iii.invocation.errors.total")
        for (labels, runs) in rows { writer.sample(errors, runs.errors, labels) }
        let seconds = "iii_invocation_seconds_total"
        writer.family(seconds, .counter, "What those runs took, all together.")
        for (labels, runs) in rows {
            writer.sample(seconds, Double(runs.took) / 1_000_000_000, labels)
        }
        durations()
        writer.single("iii_running", .gauge, "Runs under way.", picture.work.running)
    }

    private mutating func durations() {
        writer.family(
            "iii_invocation_duration_seconds",
            .histogram,
            "How long they took, by what they came to; without those of which the follower of the "
                + "log passed over the beginning or the end.",
            as: "iii.invocation.duration"
        )
        let ran = totals.functions.sorted { $0.value.place < $1.value.place }
        let rows = Self.gathered(
            ran.map { (Self.labels($0.key), $0.value) },
            limit: Self.timedFunctionLimit,
            others: totals.otherFunctions
        ) { $0.add($1) }
        for (labels, function) in rows {
            let outcomes = [("ok", function.succeeded), ("error", function.failed)]
            for (outcome, times) in outcomes where times.total > 0 {
                writer.histogram(of: times, labels + [("outcome", outcome)])
            }
        }
    }

    private static func labels(_ function: FunctionName) -> MetricsWriter.Labels {
        [("function", function.id), ("namespace", function.namespace)]
    }

    /// The first `limit` of them, and the rest as one.
    private static func gathered<Count>(
        _ rows: [(MetricsWriter.Labels, Count)],
        limit: Int,
        others: Count,
        add: (inout Count, Count) -> Void
    ) -> [(MetricsWriter.Labels, Count)] {
        guard rows.count > limit else { return rows }
        var rest = others
        for (_, count) in rows.dropFirst(limit) { add(&rest, count) }
        let labels: MetricsWriter.Labels = [("function", Self.others), ("namespace", "")]
        return Array(rows.prefix(limit)) + [(labels, rest)]
    }
}
