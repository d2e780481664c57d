import Events
import JSON
import Primitives
import Testing

@testable import Observability

@Suite("Spans that are kept")
struct SpanStoreTests {
    private static let id = "00000000000000000000000000000001"

    @Test("a row has the keys of a span, and what is not there is left out or null")
    func row() throws {
        var bench = StoreBench()
        bench.add(.span("n", id: 0xAB, [("k", "v")]))
        let list = try bench.ask(.listTraces)
        #expect(
            list.description
                == #"{"spans":[{"trace_id":"\#(Self.id)","span_id":"00000000000000ab","#
                + #""parent_span_id":null,"name":"n","start_time_unix_nano":1900000000000000000,"#
                + #""end_time_unix_nano":1900000000001000000,"status":"unset","#
                + #""attributes":[["k","v"]],"service_name":"shop","events":[],"links":[]}],"#
                + #""total":1,"offset":0,"limit":100,"storage":{"archive":"disabled","#
                + #""completeness":"complete","known_dropped_spans":0,"physical_bytes":100,"#
                + #""max_disk_bytes":0,"last_error":null}}"#
        )
    }

    @Test("rows are roots: spans without a parent, or whose parent is not here")
    func roots() throws {
        var bench = StoreBench()
        bench.add(
            .span("root", id: 1),
            .span("child", id: 2, in: 1),
            .span("lost", id: 3, in: 9),
            .span("other", trace: 2, id: 2, in: 1)
        )
        #expect(try bench.names() == ["root", "lost", "other"])
        #expect(
            try bench.names(#"{"search_all_spans":true}"#) == ["root", "child", "lost", "other"]
        )
        #expect(try bench.names(#"{"trace_id":"\#(Self.id)"}"#) == ["root", "lost"])
        #expect(try bench.names(#"{"trace_ids":[]}"#) == [])
    }

    @Test(
        "filters",
        arguments: [
            (#"{"service_name":"SHO"}"#, ["a", "b"]), (#"{"name":"A"}"#, ["a"]),
            (#"{"status":"err"}"#, ["b"]), (#"{"min_duration_ms":5.5}"#, ["b"]),
            (#"{"max_duration_ms":5.5}"#, ["a"]), (#"{"attributes":[["k","1"]]}"#, ["a"]),
            (#"{"attributes":[["k","2"]]}"#, []), (#"{"exclude_attributes":[["k","1"]]}"#, ["b"]),
            (#"{"start_time":1900000000005}"#, ["b"]), (#"{"end_time":1900000000001}"#, ["a"]),
            (#"{"include_internal":true}"#, ["a", "b", "hidden", "builtin"]),
            (#"{"name":null,"limit":1}"#, ["a"]), (#"{"offset":1}"#, ["b"]),
        ]
    )
    func filters(input: String, expected: [String]) throws {
        var bench = StoreBench()
        bench.add(
            .span("a", id: 1, from: 0, to: 2, [("k", "1")]),
            .span("b", id: 2, from: 3, to: 13, status: .error),
            .span("hidden", id: 3, from: 20, to: 29, [("iii.function.kind", "internal")]),
            .span("builtin", id: 4, from: 30, to: 39, [("function_id", "engine::x")])
        )
        #expect(try bench.names(input) == expected)
    }

    @Test("times that cannot be told in nanoseconds are refused")
    func overflow() {
        var bench = StoreBench()
        let inputs: [(TelemetryFunction, String)] = [
            (.listTraces, #"{"start_time":9223372036854775}"#),
            (.listTraces, #"{"end_time":-9223372036854775}"#),
            (.groupTraces, #"{"attribute":"k","since_ms":9223372036854775}"#),
        ]
        for (function, input) in inputs {
            #expect(bench.failure(function, input) == "time_value_overflow", "\(input)")
        }
        #expect(bench.failure(.listTraces, #"{"start_time":9223372036854}"#) == nil)
    }

    @Test(
        "orders",
        arguments: [
            (#"{}"#, "bac"), (#"{"sort_order":"desc"}"#, "cab"), (#"{"sort_by":"name"}"#, "abc"),
            (#"{"sort_by":"duration","sort_order":"desc"}"#, "abc"),
            (#"{"sort_by":"duration_ms"}"#, "cba"), (#"{"sort_by":"service_name"}"#, "cab"),
            (#"{"sort_by":"colour"}"#, "bac"),
        ]
    )
    func orders(input: String, expected: String) throws {
        var bench = StoreBench()
        bench.add(
            .span("a", id: 1, from: 5, to: 15, service: "y"),
            .span("b", id: 2, from: 4, to: 9, service: "z"),
            .span("c", id: 3, from: 6, to: 7, service: "x")
        )
        #expect(try bench.names(input).joined() == expected)
    }

    @Test("with all spans as rows, names and attributes are asked of the whole trace")
    func wholeTraces() throws {
        var bench = StoreBench()
        bench.add(
            .span("root", id: 1),
            .span("inner", id: 2, in: 1, [("k", "1")]),
            .span("other", trace: 2, id: 1)
        )
        #expect(
            try bench.names(#"{"search_all_spans":true,"name":"root","attributes":[["k","1"]]}"#)
                == ["root", "inner"]
        )
        #expect(try bench.names(#"{"name":"inner"}"#) == [])
    }

    @Test("a running span counts to now, and is replaced when it has ended")
    func pending() throws {
        var bench = StoreBench()
        bench.now = Timestamp(milliseconds: 1_900_000_000_050)
        bench.add(.span("n", id: 1, from: 0, to: nil))
        #expect(try bench.names(#"{"min_duration_ms":50}"#) == ["n"])
        #expect(try bench.names(#"{"min_duration_ms":51}"#) == [])
        #expect(try bench.ask(.listTraces).column("spans", "pending") == ["true"])
        bench.add(.span("n", id: 1, from: 0, to: 7), .span("n", id: 1, from: 0, to: nil))
        let list = try bench.ask(.listTraces)
        #expect(list.column("spans", "end_time_unix_nano") == ["1900000000007000000"])
        #expect(list.column("spans", "pending") == ["absent"])
    }

    @Test("a row carries the tags of its whole trace, the later span's before the earlier one's")
    func tags() throws {
        var bench = StoreBench()
        bench.add(
            .span("root", id: 1, [("iii.tag.kind", "a"), ("x", "y")]),
            .span("late", id: 3, in: 1, from: 9, to: 10, [("iii.tag.kind", "c")]),
            .span(
                "mid",
                id: 2,
                in: 1,
                from: 5,
                to: 6,
                [("iii.tag.kind", "b"), ("iii.session.id", "s")]
            )
        )
        let list = try bench.ask(.listTraces)
        #expect(
            list.column("spans", "trace_tags")
                == [#"{"iii.tag.kind":"c","iii.session.id":"s"}"#]
        )
    }

    @Test("a tree has each span in its parent; what names each other is there once")
    func tree() throws {
        var bench = StoreBench()
        bench.add(
            .span("root", id: 1),
            .span("a", id: 2, in: 1),
            .span("b", id: 3, in: 1),
            .span("aa", id: 4, in: 2),
            .span("lost", id: 5, in: 99),
            .span("x", id: 6, in: 7),
            .span("y", id: 7, in: 6),
            .span("state_triggers", id: 8, in: 1),
            .span("elsewhere", trace: 2, id: 9)
        )
        let tree = try bench.ask(.traceTree, #"{"trace_id":"\#(Self.id)"}"#)
        #expect(shape(tree.member("roots")) == "root(a(aa())b())lost()x(y())")
        #expect(tree.path("storage", "completeness")?.stringValue == "complete")
        let none = try bench.ask(.traceTree, #"{"trace_id":"nonsense"}"#)
        #expect(none.member("roots") == .emptyArray)
        #expect(bench.failure(.traceTree) == "deserialization_error")
    }

    private func shape(_ spans: JSONText?) -> String {
        (spans?.elements ?? []).map {
            ($0.member("name")?.stringValue ?? "?") + "(\(shape($0.member("children"))))"
        }.joined()
    }

    @Test("a tree is as deep as what SDKs can read, and loses nothing")
    func deepTree() throws {
        var bench = StoreBench()
        for id in 1...UInt64(500) { bench.add(.span("n\(id)", id: id, in: id - 1)) }
        let tree = try bench.ask(.traceTree, #"{"trace_id":"\#(Self.id)"}"#)
        let text = try JSONText(validating: tree.bytes, depthLimit: Limits.jsonDepth)
        let names = text.description.components(of: #""name":"n"#)
        #expect(names == 500)
    }

    @Test("traces and lines are found by what the ids of their traces begin with")
    func prefixes() throws {
        var bench = StoreBench()
        bench.add(.span("a", trace: 0xA1, id: 1), .span("b", trace: 0xB1, id: 2))
        let whole = String(repeating: "0", count: 30)
        #expect(try bench.names(#"{"trace_prefix":"\#(whole)A"}"#) == ["a"])
        #expect(try bench.names(#"{"trace_prefix":"\#(whole)"}"#) == ["a", "b"])
        #expect(try bench.names(#"{"trace_prefix":"1"}"#) == [])
        let lines = try bench.ask(.listLogs, #"{"trace_prefix":"00"}"#)
        #expect(lines.member("logs")?.elements?.isEmpty == true)
    }

    @Test("groups by an attribute, the youngest first")
    func groups() throws {
        var bench = StoreBench()
        bench.add(
            .span("a", id: 1, from: 0, to: 2, [("s", "1"), ("label", "one")]),
            .span("b", trace: 2, id: 2, from: 5, to: 9, status: .error, [("s", "1")]),
            .span("c", trace: 3, id: 3, from: 3, to: 4, [("s", "2")]),
            .span("d", trace: 3, id: 4, from: 3, to: 4)
        )
        let input = #"{"attribute":"s","label_attribute":"label"}"#
        let groups = try bench.ask(.groupTraces, input)
        #expect(groups.column("groups", "value") == [#""2""#, #""1""#])
        #expect(
            groups.member("groups")?.elements?.last?.description
                == #"{"value":"1","label":"one","trace_ids":["\#(Self.id)","#
                + #""00000000000000000000000000000002"],"span_count":2,"#
                + #""first_seen_ms":1900000000000,"last_seen_ms":1900000000009,"#
                + #""duration_ms":9,"error_count":1}"#
        )
        let late = try bench.ask(.groupTraces, #"{"attribute":"s","since_ms":1900000000004}"#)
        #expect(late.column("groups", "span_count") == ["1"])
        #expect(
            try bench.ask(.groupTraces, #"{"attribute":"s","limit":1}"#)
                .column("groups", "value") == [#""2""#]
        )
    }

    @Test("what is too much makes room, the oldest first")
    func bounds() throws {
        var bench = StoreBench { $0.spanCount = 3 }
        for id in 1...UInt64(5) { bench.add(.span("n\(id)", id: id, in: id - 1)) }
        #expect(try bench.names() == ["n3"], "its parent had to go")
        #expect(bench.store.spans.window.entries.count == 3)
        var small = StoreBench { $0.spanBytes = 250 }
        for id in 1...UInt64(5) { small.add(.span("n\(id)", id: id)) }
        #expect(try small.names() == ["n4", "n5"])
        #expect(small.store.spans.window.bytes == 200)
    }

    @Test("a span that has grown makes room, too")
    func growth() throws {
        var bench = StoreBench { $0.spanBytes = 250 }
        bench.add(.span("old", id: 1), .span("n", id: 2, to: nil))
        bench.store.apply(.span("n", id: 2), bytes: 200, at: bench.now)
        #expect(try bench.names() == ["n"])
        #expect(bench.store.spans.window.bytes == 200)
    }

    @Test("clearing removes all, and what was dropped is told until then")
    func clear() throws {
        var bench = StoreBench()
        bench.add(.span("n", id: 1))
        bench.droppedSpans = 4
        let storage = try bench.ask(.listTraces).member("storage")
        #expect(storage?.member("completeness")?.stringValue == "partial")
        #expect(storage?.member("known_dropped_spans")?.description == "4")
        #expect(try bench.ask(.clearTraces).description == #"{"success":true}"#)
        #expect(try bench.names() == [])
        bench.add(.span("n", id: 1))
        #expect(try bench.names() == ["n"])
    }

    @Test("without tracing there are no spans to look at")
    func off() {
        var bench = StoreBench { $0.tracing = false }
        for function in [TelemetryFunction.listTraces, .traceTree, .groupTraces, .clearTraces] {
            #expect(bench.failure(function) == "memory_exporter_not_enabled")
        }
    }
}

extension String {
    /// How often `part` is in it.
    fileprivate func components(of part: String) -> Int { ranges(of: part).count }
}
