import Events
import JSON
import Primitives
import Testing

@testable import Observability

/// `{"resourceSpans": …}` around one span.
func spanExport(_ span: String, service: String = "shop") -> String {
    #"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":"#
        + #"{"stringValue":"\#(service)"}}]},"scopeSpans":[{"scope":{"name":"lib","version":"1"},"#
        + #""spans":[\#(span)]}]}]}"#
}

func decodeSpans(
    _ text: String,
    hiding hide: (String) -> String = { $0 }
) throws -> [ReportedSpan] {
    OTLPSpans.decode(try JSONText(validating: Array(text.utf8)), hiding: hide)
}

@Suite("Span exports")
struct OTLPSpansTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"

    @Test("a span of the Python SDK: numbers as numbers, times as digits")
    func python() throws {
        let span = try #require(
            try decodeSpans(
                spanExport(
                    #"""
                    {"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7",
                    "parentSpanId":"00f067aa0ba902b6","name":"execute f","kind":0,
                    "startTimeUnixNano":"1900000000000000000","endTimeUnixNano":1900000000000000005,
                    "status":{"code":2,"message":"no"},"flags":257,"traceState":"a=b",
                    "attributes":[{"key":"n","value":{"intValue":5}},{"key":"s","value":
                    {"stringValue":"x"}},{"key":"l","value":{"arrayValue":{"values":[
                    {"boolValue":true}]}}},{"key":"Authorization","value":{"stringValue":"k"}}],
                    "events":[{"name":"iii.invocation.input","timeUnixNano":"7","attributes":
                    [{"key":"iii.payload.json","value":{"stringValue":"{}"}}]}],
                    "links":[{"traceId":"t","spanId":"s","attributes":[]}]}
                    """#
                )
            ).first
        )
        #expect(span.trace.description == Self.trace)
        let record = span.record
        #expect(record.span == 0x00f0_67aa_0ba9_02b7)
        #expect(record.parent == 0x00f0_67aa_0ba9_02b6)
        #expect(record.service == "shop")
        #expect(record.start.nanoseconds == 1_900_000_000_000_000_000)
        #expect(record.end.nanoseconds == 1_900_000_000_000_000_005)
        #expect(record.status == .error)
        #expect(record.statusDescription == "no")
        #expect(record.flags == 257)
        #expect(record.traceState == "a=b")
        #expect(record.scope == TelemetryScope(name: "lib", version: "1"))
        #expect(
            record.attributes == [
                TelemetryAttribute("n", "5", .json), TelemetryAttribute("s", "x"),
                TelemetryAttribute("l", "[true]", .json),
                TelemetryAttribute("Authorization", "[REDACTED]"),
            ]
        )
        #expect(
            String(decoding: record.events, as: UTF8.self)
                == #"[{"name":"iii.invocation.input","timestamp_unix_nano":7,"#
                + #""attributes":[["iii.payload.json","{}"]]}]"#
        )
        #expect(
            String(decoding: record.links, as: UTF8.self)
                == #"[{"trace_id":"t","span_id":"s","trace_state":null,"attributes":[]}]"#
        )
    }

    @Test("payloads are recorded as far as the log may hold them, and nothing else is asked about")
    func payloads() throws {
        let event = { (name: String, attributes: String) in
            #"{"name":"\#(name)","timeUnixNano":"7","attributes":[\#(attributes)]}"#
        }
        let payload = #"{"key":"iii.payload.json","value":{"stringValue":"in"}}"#
        let other = #"{"key":"iii.payload.ok","value":{"boolValue":true}}"#
        let events = [event("iii.invocation.input", payload), event("x", "\(other),\(payload)")]
        let span =
            #"{"traceId":"\#(Self.trace)","spanId":"00f067aa0ba902b7","#
            + #""events":[\#(events.joined(separator: ","))]}"#
        let record = try #require(try decodeSpans(spanExport(span), hiding: { "<\($0)>" }).first)
        #expect(
            String(decoding: record.record.events, as: UTF8.self)
                == #"[{"name":"iii.invocation.input","timestamp_unix_nano":7,"#
                + #""attributes":[["iii.payload.json","<in>"]]},"#
                + #"{"name":"x","timestamp_unix_nano":7,"attributes":"#
                + #"[["iii.payload.ok","true"],["iii.payload.json","<in>"]]}]"#
        )
    }

    @Test("a root has no parent, and a span whose end is 0 is running")
    func least() throws {
        let span = try #require(
            try decodeSpans(
                spanExport(
                    #"{"traceId":"\#(Self.trace)","spanId":"00f067aa0ba902b7","#
                        + #""endTimeUnixNano":"0"}"#
                )
            ).first
        )
        #expect(span.record.parent == 0)
        #expect(span.record.isPending)
        #expect(span.record.status == .unset)
        #expect(span.record.statusDescription == nil)
    }

    @Test(
        "what has no ids is no span",
        arguments: [
            "{}", "7", #"{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736"}"#,
            #"{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"0000000000000000"}"#,
            #"{"traceId":"00000000000000000000000000000000","spanId":"00f067aa0ba902b7"}"#,
            #"{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"f067"}"#,
        ]
    )
    func nothing(span: String) throws {
        #expect(try decodeSpans(spanExport(span)) == [])
    }
}

@Suite("Metric exports")
struct OTLPMetricsTests {
    private func decode(_ metric: String) throws -> [MetricReported] {
        let text =
            #"{"resourceMetrics":[{"resource":{"attributes":[]},"scopeMetrics":"#
            + #"[{"scope":{"name":"lib"},"metrics":[\#(metric)]}]}]}"#
        return OTLPMetrics.decode(try JSONText(validating: Array(text.utf8)))
    }

    @Test(
        "sums and gauges, with integers as digits",
        arguments: [
            (#""gauge":{"dataPoints":[{"asInt":"7","timeUnixNano":"3"}]}"#, 0x7, 1),
            (#""sum":{"isMonotonic":true,"dataPoints":[{"asDouble":7}]}"#, 7, 0),
            (#""sum":{"isMonotonic":false,"dataPoints":[{"asInt":7}]}"#, 7, 3),
        ] as [(String, Double, UInt8)]
    )
    func numbers(data: String, value: Double, form: UInt8) throws {
        let metric = try #require(try decode(#"{"name":"m","unit":"By",\#(data)}"#).first)
        #expect(metric.name == "m")
        #expect(metric.unit == "By")
        #expect(metric.service == "unknown")
        #expect(metric.form.rawValue == form)
        #expect(metric.points.map(\.value) == [.number(value)])
    }

    @Test("a histogram, with counts as digits")
    func histogram() throws {
        let metric = try #require(
            try decode(
                #"""
                {"name":"h","histogram":{"dataPoints":[{"count":"3","sum":2.5,"bucketCounts":
                ["1","2"],"explicitBounds":[0.5],"min":0.25,"attributes":
                [{"key":"worker.id","value":{"stringValue":"w"}}]}]}}
                """#
            ).first
        )
        #expect(metric.form == .histogram)
        #expect(metric.points.first?.attributes == [TelemetryAttribute("worker.id", "w")])
        #expect(
            metric.points.first?.value
                == .histogram(
                    MetricPoint.Histogram(
                        count: 3,
                        sum: 2.5,
                        buckets: [1, 2],
                        bounds: [0.5],
                        min: 0.25,
                        max: nil
                    )
                )
        )
    }

    @Test(
        "what has no name, form or point is no metric",
        arguments: [
            "7", #"{"gauge":{"dataPoints":[{"asInt":"7"}]}}"#, #"{"name":"m"}"#,
            #"{"name":"m","gauge":{"dataPoints":[]}}"#,
            #"{"name":"m","gauge":{"dataPoints":[{"asInt":"many"},{}]}}"#,
            #"{"name":"m","sum":7}"#,
        ]
    )
    func nothing(metric: String) throws {
        #expect(try decode(metric) == [])
    }
}
