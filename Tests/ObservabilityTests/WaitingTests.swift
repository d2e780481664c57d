import Events
import JSON
import Primitives
import Testing

@testable import Observability

@Suite("What waits to be told takes a bounded number of bytes")
struct WaitingTests {
    private let text = String(repeating: "x", count: 1 << 20)

    @Test("of spans that somebody watches, the youngest wait")
    func spans() {
        let bench = FollowBench()
        var wanted = WatchedSpans()
        wanted.all = true
        bench.log.watchSpans(wanted)
        for id in UInt64(1)...9 {
            let item = Telemetry.span("n\(id)", id: id, [("k", text)])
            guard case .span(let span) = item else { continue }
            bench.log.began([span])
        }
        let spans = bench.log.takePushes().first?.data.member("spans")?.elements ?? []
        #expect(spans.map { $0.member("name")?.stringValue } == ["n7", "n8", "n9"])
        #expect(bench.log.takePushes().isEmpty)
    }

    @Test("of lines for the engine's own output, the oldest wait, and the others are counted")
    func lines() {
        var settings = TelemetryStore.Settings()
        settings.echoesLogs = true
        let bench = FollowBench(telemetry: settings)
        bench.log.live(from: .zero)
        let line = Logged(
            severity: 9,
            severityText: "INFO",
            body: text,
            service: "s",
            span: 0,
            attributes: JSONText.emptyObject.bytes
        )
        for _ in 0..<9 { bench.write(.logged(line)) }
        let first = bench.log.takeEchoes()
        #expect(first.lines.count == 4)
        #expect(first.lost == 5)
        bench.write(.logged(line))
        let second = bench.log.takeEchoes()
        #expect(second.lines.count == 1)
        #expect(second.lost == 0)
    }
}
