import Observability
import Primitives

extension MetricsText {
    /// Cron jobs that have series of their own, by their names. The rest is one series.
    private static let cronLimit = 500

    /// What became of each cron job's runs.
    mutating func cron() { Self.write(totals.cronJobs, totals.otherCronJobs, into: &writer) }

    /// `others`: of the jobs that are not counted one by one. Where there are any, `jobs` are more
    /// than have series.
    static func write(
        _ jobs: [CronJob: CronRuns],
        _ others: CronRuns,
        into writer: inout MetricsWriter
    ) {
        let sorted = jobs.sorted { left, right in
            (left.key.function.id, left.key.function.namespace, left.key.expression)
                < (right.key.function.id, right.key.function.namespace, right.key.expression)
        }
        var rows = sorted.prefix(cronLimit).map { job, runs in (labels(of: job), runs) }
        if sorted.count > cronLimit {
            var rest = others
            for (_, runs) in sorted.dropFirst(cronLimit) { rest.add(runs) }
            let other = CronJob(
                function: FunctionName(namespace: "", id: Self.others),
                expression: ""
            )
            rows.append((labels(of: other), rest))
        }
        let success = "iii_cron_last_success_timestamp_seconds"
        writer.family(success, .gauge, "When a run of the job that succeeded ended last.")
        for (labels, runs) in rows {
            guard let time = runs.lastSuccess else { continue }
            writer.sample(success, Double(time.nanoseconds) / 1_000_000_000, labels)
        }
        let failures = "iii_cron_failures_total"
        writer.family(failures, .counter, "Runs of the job that failed.")
        for (labels, runs) in rows { writer.sample(failures, runs.failures, labels) }
    }

    private static func labels(of job: CronJob) -> MetricsWriter.Labels {
        [
            ("function", job.function.id), ("namespace", job.function.namespace),
            ("expression", job.expression),
        ]
    }
}
