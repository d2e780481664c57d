import Events
import JSON
import Primitives
import Testing

@testable import Observability

@Suite("Log exports")
struct OTLPLogsTests {
    private func decode(_ text: String) throws -> [LogLine] {
        OTLPLogs.decode(try JSONText(validating: Array(text.utf8)))
    }

    private func export(_ record: String, resource: String = "[]") -> String {
        #"{"resourceLogs":[{"resource":{"attributes":\#(resource)},"#
            + #""scopeLogs":[{"scope":{"name":"s"},"logRecords":[\#(record)]}]}]}"#
    }

    @Test("a record of the Node SDK")
    func node() throws {
        let record = #"""
            {"timeUnixNano":"1900000000000000000","severityNumber":13,"severityText":"WARN",
            "body":{"stringValue":"low stock"},
            "attributes":[{"key":"sku","value":{"stringValue":"A7"}},
            {"key":"left","value":{"intValue":"3"}},{"key":"ok","value":{"boolValue":false}}],
            "traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7"}
            """#
        let resource = #"[{"key":"service.name","value":{"stringValue":"shop"}}]"#
        let line = try #require(try decode(export(record, resource: resource)).first)
        #expect(line.record.severity == 13)
        #expect(line.record.severityText == "WARN")
        #expect(line.record.body == "low stock")
        #expect(line.record.service == "shop")
        #expect(line.record.span == 0x00f0_67aa_0ba9_02b7)
        #expect(
            String(decoding: line.record.attributes, as: UTF8.self)
                == #"{"sku":"A7","left":3,"ok":false}"#
        )
        #expect(line.trace?.description == "4bf92f3577b34da6a3ce929d0e0e4736")
    }

    @Test("a record of the Python SDK: numbers as numbers, no severity text")
    func python() throws {
        let record = #"""
            {"timeUnixNano":1900000000000000000,"severityNumber":9,"body":{"stringValue":"hi"},
            "attributes":[{"key":"n","value":{"intValue":5}},{"key":"f","value":{"doubleValue":1.5}},
            {"key":"service.name","value":{"stringValue":"py"}}]}
            """#
        let line = try #require(try decode(export(record)).first)
        #expect(line.record.severityText == "INFO")
        #expect(line.record.service == "py")
        #expect(line.trace == nil)
        #expect(line.record.span == 0)
        #expect(
            String(decoding: line.record.attributes, as: UTF8.self)
                == #"{"n":5,"f":1.5,"service.name":"py"}"#
        )
    }

    @Test(
        "a body of any kind is a line",
        arguments: [
            (#"{"stringValue":"a"}"#, "a"), (#"{"intValue":"7"}"#, "7"), (#"{"intValue":7}"#, "7"),
            (#"{"boolValue":true}"#, "true"), (#"{"doubleValue":0.5}"#, "0.5"),
            (#"{"bytesValue":"0aff"}"#, "0aff"),
            (#"{"arrayValue":{"values":[{"intValue":"1"},{"stringValue":"b"}]}}"#, #"[1,"b"]"#),
            (#"{"kvlistValue":{"values":[{"key":"k","value":{"intValue":"1"}}]}}"#, #"{"k":1}"#),
            (#""plain""#, "plain"), ("null", ""), ("{}", "{}"),
            (#"{"intValue":"many"}"#, "many"), (#"{"arrayValue":7}"#, "[]"),
        ]
    )
    func bodies(body: String, expected: String) throws {
        let line = try #require(try decode(export(#"{"body":\#(body)}"#)).first)
        #expect(line.record.body == expected)
    }

    @Test(
        "what is no export is no lines",
        arguments: [
            "null", "[]", "7", "{}", #"{"resourceLogs":{}}"#, #"{"resourceLogs":[7,{}]}"#,
            #"{"resourceLogs":[{"scopeLogs":[{"logRecords":"no"}]}]}"#,
        ]
    )
    func nothing(text: String) throws {
        #expect(try decode(text) == [])
    }

    @Test("a record of nonsense is a line without meaning")
    func nonsense() throws {
        let record =
            #"{"severityNumber":-7,"severityText":9,"traceId":"x","spanId":"+f","attributes":7}"#
        let lines = try decode(export(record))
        #expect(lines.count == 1)
        #expect(lines.first?.record.severity == 0)
        #expect(lines.first?.record.severityText == "UNSPECIFIED")
        #expect(lines.first?.trace == nil)
    }

    @Test("all resources, scopes and records, in order")
    func order() throws {
        let text = #"""
            {"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"1"}},
            {"body":{"stringValue":"2"}}]},{"logRecords":[{"body":{"stringValue":"3"}}]}]},
            {"scopeLogs":[{"logRecords":[{"body":{"stringValue":"4"}}]}]}]}
            """#
        #expect(try decode(text).map(\.record.body) == ["1", "2", "3", "4"])
    }

    @Test("severities have OpenTelemetry's names")
    func severities() {
        let names = [0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25].map(LogLine.severityText)
        #expect(
            names == [
                "UNSPECIFIED", "TRACE", "TRACE", "DEBUG", "DEBUG", "INFO", "INFO", "WARN", "WARN",
                "ERROR", "ERROR", "FATAL", "FATAL", "UNSPECIFIED",
            ]
        )
    }

    @Test(
        "no line moves the reader's cursor",
        arguments: [
            ("plain", "plain"), ("\u{1B}[31mred\u{1B}[0m", "red"), ("\u{1B}[2J", ""),
            ("a\u{1B}", "a"), ("a\u{1B}[", "a"), ("a\u{1B}[12;3", "a"),
            ("\u{1B}]0;title\u{7}", "]0;title\u{7}"), ("é\u{1B}[1mß", "éß"),
        ]
    )
    func escapes(text: String, expected: String) {
        #expect(LogLine.plain(text) == expected)
    }
}

@Suite("engine::log functions")
struct LogFunctionTests {
    private func decide(_ function: LogFunction, _ input: String) throws -> LogLine {
        try function.decide(try JSONText(validating: Array(input.utf8)), version: "1.2")
    }

    @Test("a line with all its fields")
    func line() throws {
        let line = try decide(
            .warn,
            #"{"message":"\u001b[1mm","service_name":"s","trace_id":"#
                + #""4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00000000000000ff","#
                + #""data":{"a": 1}}"#
        )
        #expect(line.record.severity == 13)
        #expect(line.record.severityText == "WARN")
        #expect(line.record.body == "m")
        #expect(line.record.service == "s")
        #expect(line.record.span == 255)
        #expect(String(decoding: line.record.attributes, as: UTF8.self) == #"{"a": 1}"#)
        #expect(line.trace != nil)
        #expect(line.record.scope == TelemetryScope(name: "iii", version: "1.2"))
    }

    @Test("only the message is required; data that is no object is left out")
    func least() throws {
        let line = try decide(.error, #"{"message":"m","data":7,"trace_id":"no"}"#)
        #expect(line.record.service == "unknown")
        #expect(line.record.attributes == Array("{}".utf8))
        #expect(line.trace == nil)
    }

    @Test("without a message it is refused", arguments: ["{}", "7", #"{"message":7}"#])
    func refused(input: String) {
        let error = #expect(throws: ErrorBody.self) { try decide(.info, input) }
        #expect(error?.code == "deserialization_error")
        #expect(error?.message.contains("engine::log::info") == true)
    }

    @Test("each has its severity")
    func severities() {
        #expect(LogFunction.allCases.map(\.severity) == [1, 5, 9, 13, 17])
    }
}
