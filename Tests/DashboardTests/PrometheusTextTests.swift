import Observability
import Testing

@testable import Dashboard

@Suite("Metrics as text")
struct PrometheusTextTests {
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
