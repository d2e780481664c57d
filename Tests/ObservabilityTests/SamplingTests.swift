import Events
import JSON
import Primitives
import Testing

@testable import Observability

@Suite("Sampling")
struct SamplingTests {
    private func bench(_ edit: (inout Sampling) -> Void) -> FollowBench {
        var settings = TelemetryStore.Settings()
        edit(&settings.sampling)
        return FollowBench(telemetry: settings)
    }

    /// The names of spans that are kept.
    private func names(_ bench: FollowBench) throws -> [String] {
        let context = TelemetryContext(now: bench.now, version: "1", baggage: nil)
        let input = #"{"search_all_spans":true,"include_internal":true,"limit":100000}"#
        let text = try JSONText(validating: Array(input.utf8))
        let answer = bench.log.answer(.listTraces, text, context).result
        guard case .value(let bytes) = answer else { return [] }
        let list = try JSONText(validating: bytes)
        return (list.member("spans")?.elements ?? []).compactMap {
            $0.member("name")?.stringValue
        }
    }

    /// A trace id whose place is `eighth` eighths.
    private func trace(_ eighth: UInt64) -> UInt64 { eighth << 53 | 1 }

    private func request(_ bench: FollowBench, _ trace: UInt64, parent: RemoteSpan? = nil) {
        let triggered = Triggered(
            type: "http",
            trigger: "t",
            summary: "GET /hello",
            function: bench.name("hello"),
            event: Array(#"{"method":"GET","path":"/hello"}"#.utf8),
            parent: parent
        )
        let root = bench.write(.triggered(triggered), trace)
        let run = bench.invoke("hello", trace, cause: root)
        bench.report("inner", trace)
        bench.complete(run, trace)
    }

    @Test("a ratio keeps whole traces by their ids, and the list of requests knows all")
    func ratio() throws {
        let bench = bench { $0.ratio = 0.5 }
        for eighth in 0..<8 as Range<UInt64> { request(bench, trace(eighth)) }
        #expect(try names(bench).count { $0 == "GET /hello" } == 4)
        #expect(try names(bench).count { $0 == "inner" } == 4)
        #expect(bench.log.requests(RequestFilter()).rows.count == 8)
        let none = self.bench { $0.ratio = 0 }
        request(none, trace(0))
        #expect(try names(none) == [])
    }

    @Test("the first rule that matches a trace's first work decides over all of it")
    func rules() throws {
        let bench = bench {
            $0.rules = [
                .init(operation: Glob("GET /hel*"), service: Glob("iii"), rate: 0),
                .init(operation: Glob("GET *"), service: nil, rate: 1),
            ]
        }
        request(bench, trace(1))
        #expect(try names(bench) == [], "inner is of that trace, too")
        bench.report("inner", trace(2))
        #expect(try names(bench) == ["inner"])
        let other = self.bench { $0.rules = [.init(operation: nil, service: Glob("x?"), rate: 0)] }
        request(other, trace(1))
        #expect(try names(other).count == 2)
    }

    @Test("a trace that began elsewhere is kept as it was there")
    func parents() throws {
        let kept = RemoteSpan(span: 7, flags: 1)
        let dropped = RemoteSpan(span: 7, flags: 0)
        let bench = bench { $0.ratio = 0 }
        request(bench, trace(1), parent: kept)
        request(bench, trace(2), parent: dropped)
        #expect(try names(bench) == ["GET /hello", "inner"])
        let all = self.bench { _ in }
        request(all, trace(1), parent: dropped)
        #expect(try names(all) == [])
        let alone = self.bench { ($0.ratio, $0.isParentBased) = (0, false) }
        request(alone, trace(1), parent: kept)
        #expect(try names(alone) == [])
    }

    @Test("messages and calls that begin a trace here are kept as it was begun elsewhere")
    func senders() throws {
        let bench = bench { _ in }
        func send(_ bench: FollowBench, _ trace: UInt64, _ flags: UInt8?) {
            let parent = flags.map { RemoteSpan(span: 7, flags: $0) }
            let message = bench.enqueue("send", trace, parent: parent)
            bench.ack(message, bench.deliver(message, trace), trace)
        }
        send(bench, trace(1), 0)
        #expect(try names(bench) == [])
        send(bench, trace(2), nil)
        #expect(try names(bench) == ["enqueue send → mails", "fn_queue mails"])
        let none = self.bench { $0.ratio = 0 }
        send(none, trace(1), 1)
        #expect(try names(none) == ["enqueue send → mails", "fn_queue mails"])
        for (number, flags) in [(3, 0), (4, 1)] as [(UInt64, UInt8)] {
            let call = Invoked(
                invocation: UUID128(high: 1, low: number),
                function: none.name("hello"),
                worker: UUID128(high: 1, low: 1),
                caller: UUID128(high: 1, low: 1),
                awaited: true,
                isCondition: false,
                input: [],
                parent: 7,
                flags: flags
            )
            none.write(.invoked(call), trace(number))
            none.report("called \(flags)", trace(number))
        }
        #expect(try names(none).filter { $0.hasPrefix("called") } == ["called 1"])
    }

    @Test("so many traces a second and no more")
    func limit() throws {
        let bench = bench { $0.tracesPerSecond = 2 }
        for number in 1...10 as ClosedRange<UInt64> { request(bench, number) }
        #expect(try names(bench).count { $0 == "GET /hello" } == 2)
        bench.pass(.seconds(1))
        for number in 11...20 as ClosedRange<UInt64> { request(bench, number) }
        #expect(try names(bench).count { $0 == "GET /hello" } == 4)
    }

    @Test("of lines about so many are kept, and always the same")
    func lines() throws {
        var sampling = Sampling()
        sampling.logRatio = 0.25
        let kept = (0..<10_000 as Range<UInt64>).filter { sampling.keepsLine(at: Offset($0)) }
        #expect((2300...2700).contains(kept.count))
        #expect(kept.allSatisfy { sampling.keepsLine(at: Offset($0)) })
    }

    @Test("rules are shown as they are set")
    func shown() throws {
        var bench = StoreBench {
            $0.sampling.ratio = 0.5
            $0.sampling.logRatio = 0.25
            $0.sampling.rules = [.init(operation: Glob("GET *"), service: nil, rate: 0.1)]
        }
        #expect(
            try bench.ask(.samplingRules).description
                == #"{"traces":{"default_ratio":0.5,"rules":[{"operation":"GET *","#
                + #""service":null,"rate":0.1}],"parent_based":true},"#
                + #""logs":{"sampling_ratio":0.25},"timestamp":1900000000000}"#
        )
    }

    @Test("spans of a rule are shown without themselves, their children in their place")
    func collapsed() throws {
        var bench = StoreBench { $0.collapsed = [.init(name: Glob("wrap*"), service: nil)] }
        bench.add(
            .span("wrap top", id: 1),
            .span("a", id: 2, in: 1),
            .span("wrap again", id: 3, in: 2),
            .span("wrap more", id: 4, in: 3),
            .span("b", id: 5, in: 4),
            .span("wrap x", id: 6, in: 7),
            .span("wrap y", id: 7, in: 6),
            .span("c", id: 8, in: 6)
        )
        let id = "00000000000000000000000000000001"
        let tree = try bench.ask(.traceTree, #"{"trace_id":"\#(id)"}"#)
        func lines(_ spans: [JSONText], _ indent: String) -> [String] {
            spans.flatMap { span in
                ["\(indent)\(span.member("name")?.stringValue ?? "")"]
                    + lines(span.member("children")?.elements ?? [], indent + " ")
            }
        }
        #expect(lines(tree.member("roots")?.elements ?? [], "") == ["a", " b", "c"])
    }

    @Test("what was cleared is not shown again by who follows the log anew")
    func cleared() throws {
        let bench = bench { _ in }
        request(bench, trace(1))
        bench.write(.telemetryCleared(TelemetryCleared(.logs)), nil)
        #expect(try names(bench).count == 2)
        bench.write(.telemetryCleared(TelemetryCleared(.traces)), nil)
        #expect(try names(bench) == [])
        bench.report("later", trace(2))
        #expect(try names(bench) == ["later"])
    }
}

extension FollowBench {
    /// A span that a worker tells of.
    func report(_ name: String, _ trace: UInt64) {
        write(
            .spanReported(
                SpanReported(
                    span: 0xF00 + trace,
                    parent: 1,
                    name: name,
                    service: "shop",
                    start: now,
                    end: now,
                    status: .ok,
                    statusDescription: nil,
                    attributes: [],
                    events: JSONText.emptyArray.bytes,
                    links: JSONText.emptyArray.bytes,
                    flags: nil,
                    traceState: nil,
                    scope: TelemetryScope()
                )
            ),
            trace
        )
    }
}
