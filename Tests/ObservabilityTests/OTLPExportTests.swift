import Events
import JSON
import Primitives
import Testing

@testable import Observability

@Suite("OTLP that is sent")
struct OTLPExportTests {
    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0\(digits)" : digits
        }.joined()
    }

    private func line() throws -> OTLPExport {
        let record = Logged(
            severity: 9,
            severityText: "INFO",
            body: "b",
            service: "s",
            span: 2,
            attributes: Array(#"{"n":-1,"f":[true,null,0.5]}"#.utf8),
            time: Timestamp(nanoseconds: 1),
            observed: Timestamp(nanoseconds: 258)
        )
        let line = LogLine(record: record, trace: TraceID(high: 0, low: 1))
        return .logs([(line, Timestamp(nanoseconds: 9))])
    }

    @Test("a log line as JSON")
    func json() throws {
        let text = String(decoding: try line().body(isJSON: true), as: UTF8.self)
        #expect(
            text == #"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","#
                + #""value":{"stringValue":"s"}}]},"scopeLogs":[{"scope":{},"logRecords":[{"#
                + #""timeUnixNano":"1","severityNumber":9,"severityText":"INFO","#
                + #""body":{"stringValue":"b"},"attributes":[{"key":"n","value":{"intValue":"-1"}},"#
                + #"{"key":"f","value":{"arrayValue":{"values":[{"boolValue":true},{},"#
                + #"{"doubleValue":0.5}]}}}],"traceId":"00000000000000000000000000000001","#
                + #""spanId":"0000000000000002","observedTimeUnixNano":"258"}]}]}]}"#
        )
    }

    @Test("a log line as protobuf: tags, lengths, fixed and variable integers")
    func protobuf() throws {
        let record = Logged(
            severity: 9,
            severityText: "I",
            body: "b",
            service: "s",
            span: 2,
            attributes: [],
            time: Timestamp(nanoseconds: 1)
        )
        let export = OTLPExport.logs([
            (LogLine(record: record, trace: nil), Timestamp(nanoseconds: 258))
        ])
        let recordBytes =
            "09" + "0100000000000000" + "1009" + "1a0149" + "2a030a0162" + "5208"
            + "0000000000000002" + "59" + "0201000000000000"
        let resource = "0a150a130a0c" + "736572766963652e6e616d65" + "12030a0173"
        let scope = "0a00" + "12" + "26" + recordBytes
        let body = "0a" + "43" + resource + "12" + "2a" + scope
        #expect(recordBytes.count == 2 * 0x26)
        #expect(hex(export.body(isJSON: false)) == body)
    }

    @Test("spans of one service and library stand together")
    func groups() throws {
        let bench = FollowBench()
        bench.log.live(from: .zero)
        bench.log.export()
        bench.complete(bench.invoke("f", cause: bench.request()))
        bench.complete(bench.invoke("g", 2, cause: nil), 2)
        let taken = bench.log.takeExports(limit: 10, of: Set(OTLPExport.paths))
        #expect(taken.map(\.path) == ["/v1/traces"])
        let text = try JSONText(validating: try #require(taken.first).body(isJSON: true))
        let resources = text.member("resourceSpans")?.elements ?? []
        #expect(resources.count == 1)
        let spans = resources.first?.member("scopeSpans")?.elements?.first?.member("spans")
        #expect(spans?.elements?.count == 2)
        #expect(bench.log.takeExports(limit: 10, of: Set(OTLPExport.paths)).isEmpty)
    }

    /// What a worker reported, read, recorded and sent on.
    private func sentOn(_ export: String) throws -> String {
        let export = try JSONText(validating: Array(export.utf8))
        let spans = OTLPSpans.decode(export, hiding: { $0 })
        let metrics = OTLPMetrics.decode(export).map {
            (metric: $0, received: Timestamp(nanoseconds: 9))
        }
        let sent = spans.isEmpty ? OTLPExport.metrics(metrics) : .spans(spans)
        return String(decoding: sent.body(isJSON: true), as: UTF8.self)
    }

    private static let resource =
        #""resource":{"attributes":[{"key":"host.name","value":{"stringValue":"h"}},"#
        + #"{"key":"process.pid","value":{"intValue":"7"}},"#
        + #"{"key":"service.name","value":{"stringValue":"shop"}}]}"#

    @Test("a worker's span is sent on with its resource, and what its attributes are")
    func typed() throws {
        let attributes =
            #"[{"key":"code","value":{"intValue":"500"}},{"key":"ok","value":{"boolValue":true}},"#
            + #"{"key":"ratio","value":{"doubleValue":1.0}},{"key":"text","value":"#
            + #"{"stringValue":"500"}},{"key":"list","value":{"arrayValue":{"values":["#
            + #"{"intValue":"1"},{"stringValue":"x"}]}}},{"key":"raw","value":{"#
            + #""bytesValue":"AP8="}}]"#
        let span =
            #"{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","#
            + #""name":"s","startTimeUnixNano":"1","endTimeUnixNano":"2","#
            + #""attributes":\#(attributes)}"#
        let text = try sentOn(
            #"{"resourceSpans":[{\#(Self.resource),"scopeSpans":[{"spans":[\#(span)]}]}]}"#
        )
        #expect(text.contains(Self.resource))
        #expect(text.contains(#""attributes":\#(attributes)"#))
    }

    @Test(
        "bytes are sent on as bytes, and as text where they are none",
        arguments: [
            ("AP8=", "3a0200ff"), ("AP8", "3a0200ff"), ("", "3a00"), ("A", "0a0141"),
            ("\u{2192}", "0a03e28692"),
        ]
    )
    func binary(text: String, expected: String) throws {
        let span =
            #"{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","#
            + #""name":"s","startTimeUnixNano":"1","endTimeUnixNano":"2","#
            + #""attributes":[{"key":"k","value":{"bytesValue":"\#(text)"}}]}"#
        let export = try JSONText(
            validating: Array(#"{"resourceSpans":[{"scopeSpans":[{"spans":[\#(span)]}]}]}"#.utf8)
        )
        let spans = OTLPSpans.decode(export, hiding: { $0 })
        let body = hex(OTLPExport.spans(spans).body(isJSON: false))
        let length = String(expected.count / 2, radix: 16)
        #expect(body.contains("0a016b" + "120\(length)" + expected), "\(body)")
    }

    @Test(
        "what a collector rejected of a request is read, and why",
        arguments: [
            (#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"old"}}"#, 3, "old"),
            (#"{"partialSuccess":{"rejectedDataPoints":2}}"#, 2, ""),
            (#"{"partialSuccess":{"rejectedLogRecords":"0","errorMessage":"slow"}}"#, nil, ""),
            (#"{"partialSuccess":{"rejectedSpans":-1}}"#, nil, ""), ("{}", nil, ""), ("", nil, ""),
            ("thanks", nil, ""),
        ] as [(String, Int?, String)]
    )
    func partial(answer: String, rejected: Int?, reason: String) {
        let told = PartialSuccess(Array(answer.utf8), isJSON: true)
        #expect(told?.rejected == rejected)
        #expect(told?.reason == (rejected == nil ? nil : reason))
    }

    @Test(
        "the same as protobuf",
        arguments: [
            ([0x0A, 0x07, 0x08, 0xAC, 0x02, 0x12, 0x02, 0x6E, 0x6F], 300, "no"),
            // Fields that nobody knows are passed over.
            (
                [
                    0x10, 0x01, 0x0A, 0x0D, 0x08, 0x01, 0x1D, 1, 2, 3, 4, 0x12, 0x04, 0x66, 0x75,
                    0x6C, 0x6C,
                ], 1, "full"
            ),
            ([0x0A, 0x02, 0x08, 0x00], nil, ""), ([0x0A, 0x07, 0x08], nil, ""), ([], nil, ""),
            ([0x7B, 0x7D], nil, ""),
        ] as [([UInt8], Int?, String)]
    )
    func partialProtobuf(answer: [UInt8], rejected: Int?, reason: String) {
        let told = PartialSuccess(answer, isJSON: false)
        #expect(told?.rejected == rejected)
        #expect(told?.reason == (rejected == nil ? nil : reason))
    }

    @Test("a worker's sum is sent on with its resource, its start and all of an integer")
    func exact() throws {
        let point =
            #"{"startTimeUnixNano":"1","timeUnixNano":"2","asInt":"-9007199254740993","#
            + #""attributes":[{"key":"shard","value":{"intValue":"3"}}]}"#
        let text = try sentOn(
            #"{"resourceMetrics":[{\#(Self.resource),"scopeMetrics":[{"metrics":[{"name":"m","#
                + #""sum":{"dataPoints":[\#(point)],"aggregationTemporality":2}}]}]}]}"#
        )
        #expect(text.contains(Self.resource))
        #expect(text.contains(point))
    }

    @Test("what was before this life is not sent, and what finds no room is counted")
    func bounds() {
        let bench = FollowBench()
        bench.log.export()
        bench.complete(bench.invoke("f", cause: nil))
        bench.log.live(from: bench.next)
        #expect(bench.log.takeExports(limit: 9000, of: ["/v1/traces"]).isEmpty)
        for number in 2...8195 as ClosedRange<UInt64> {
            bench.complete(bench.invoke("f", number, cause: nil), number)
        }
        #expect(bench.log.takeExports(limit: 9000, of: ["/v1/traces"]).first?.count == 8192)
        #expect(bench.log.lostExports == 2)
    }

    @Test("what waits to be sent is bounded by its bytes as well, each kind by itself")
    func bytes() {
        var queue = ExportQueue(bytes: 1000)
        let time = Timestamp(nanoseconds: 1)
        for number in 1...4 as ClosedRange<UInt64> {
            queue.append(.span("s", id: number), bytes: 400, at: time)
            queue.append(.log("\(number)"), bytes: 300, at: time)
            queue.append(.gauge("g", 1), bytes: 250, at: time)
        }
        #expect(queue.dropped == 3)
        // Pending spans are not sent.
        queue.append(.span("s", id: 9, to: nil), bytes: 900, at: time)
        let taken = queue.take(limit: 2, of: Set(OTLPExport.paths))
        #expect(taken.map(\.count) == [2, 2, 2])
        #expect(queue.take(limit: 2, of: Set(OTLPExport.paths)).map(\.count) == [1, 2])
        // What was taken makes room.
        for _ in 1...2 { queue.append(.span("s", id: 1), bytes: 500, at: time) }
        #expect(queue.dropped == 3)
    }

    @Test("a span counts with all that its error says")
    func errors() {
        let bench = FollowBench()
        bench.log.live(from: .zero)
        bench.log.export()
        let text = String(repeating: "x", count: 12 << 20)
        let failure = FunctionResult.failure(
            ErrorBody(code: "E", message: "it broke", stacktrace: text)
        )
        for number in 1...4 as ClosedRange<UInt64> {
            bench.complete(bench.invoke("f", number, cause: nil), number, failure)
        }
        #expect(bench.log.takeExports(limit: 10, of: ["/v1/traces"]).first?.count == 2)
        #expect(bench.log.lostExports == 2)
    }
}
