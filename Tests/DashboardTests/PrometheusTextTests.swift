import Observability
import Primitives
import Testing

@testable import Dashboard

@Suite("Metrics as text")
struct PrometheusTextTests {
    @Test("cron jobs have series of their own, and those beyond so many have one")
    func cronJobs() {
        var jobs: [CronJob: CronRuns] = [:]
        for number in 0..<510 {
            let function = FunctionName(id: "f\(1000 + number)")
            let success = number == 0 ? nil : Timestamp(seconds: Int64(number))
            jobs[CronJob(function: function, expression: "@daily")] = CronRuns(
                lastSuccess: success,
                failures: 2
            )
        }
        var writer = MetricsWriter()
        MetricsText.write(jobs, CronRuns(failures: 5), into: &writer)
        let text = String(decoding: PrometheusText(writer.families).bytes, as: UTF8.self)
        let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(lines.count { $0.hasPrefix("iii_cron_failures_total{") } == 501)
        #expect(lines.count { $0.hasPrefix("iii_cron_last_success_timestamp_seconds{") } == 500)
        let labels = #"namespace="default",expression="@daily"}"#
        #expect(lines.contains("iii_cron_failures_total{function=\"f1000\",\(labels) 2"))
        let rest = lines.filter { $0.contains("(other)") }
        #expect(rest.count == 2)
        #expect(rest.last?.hasSuffix(" 25") == true)
    }

    @Test("names with characters that are none are spelled out, and end no line and no text")
    func labels() {
        let label = MetricFamily.Label("queue", "a\"\\\n\t\u{0}\r\u{1B}[2J\u{202E}é")
        let sample = MetricFamily.Sample(labels: [label], value: .integer(1))
        var family = MetricFamily(name: "iii_depth", kind: .gauge, help: "Jobs.")
        family.samples = [sample]
        #expect(
            String(decoding: PrometheusText([family]).bytes, as: UTF8.self) == """
                # HELP iii_depth Jobs.
                # TYPE iii_depth gauge
                iii_depth{queue="a\\"\\\\\\n\t\\\\u0000\\\\r\\\\u001b[2J\\\\u202eé"} 1

                """
        )
    }
}
