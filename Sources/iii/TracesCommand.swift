import ArgumentParser
import CommandLineKit
import IIISDK
import JSON
import Primitives

/// `iii traces`: what the engine and its workers have traced.
struct TracesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "traces",
        abstract: "List the youngest traces, or print one as a tree of its spans.",
        discussion: """
            Spans are the engine's own and those that workers report. `iii-log replay ID` tells \
            the same request by the log's records: with payloads, attempts and what it changed. \
            Exits 2 where more than one trace begins so, 3 when the engine cannot be reached, 4 \
            when it knows no such trace.
            """
    )

    @Argument(help: "A trace, or 6 digits or more that it begins with; else the youngest.")
    var id: TraceArgument?

    @Option(name: [.customShort("n"), .long], help: "So many of the youngest, up to 10000.")
    var count = 20

    @Option(help: "Only traces whose first span ended so: ok, error or unset.")
    var status: String?

    @Option(help: "Only traces whose first span is of this service, or has this in its name.")
    var service: String?

    @Option(help: "Only traces whose first span has this in its name.")
    var name: String?

    @OptionGroup var engine: EngineArguments

    @Flag(help: "Print JSON, one object a line; so it is where the output is no terminal.")
    var json = false

    func validate() throws {
        guard (1...10_000).contains(count) else {
            throw ValidationError("--count is a number from 1 to 10000")
        }
        if let status, !["ok", "error", "unset"].contains(status.lowercased()) {
            throw ValidationError("--status is ok, error or unset")
        }
        guard id == nil || (status == nil && service == nil && name == nil) else {
            throw ValidationError("one trace is printed whole; filters are for the list")
        }
    }

    func run() async throws {
        let isText = ReportFormat.choose(json: json) == .text
        guard let id else { return try await list(isText) }
        let (traces, roots) = try await engine.connected {
            (link) async throws(SDKError) -> ([String], [JSONText]) in
            let traces = try await Self.traces(of: id, link)
            guard traces.count == 1 else { return (traces, []) }
            let wanted: JSONObject = ["trace_id": .string(traces[0])]
            let tree = try await link.ask("engine::traces::tree", wanted)
            return (traces, tree.member("roots")?.elements ?? [])
        }
        guard traces.count < 2 else {
            throw Failure(
                .usage,
                code: "AMBIGUOUS",
                "more than one trace begins with \(id.digits); name one of these:"
                    + traces.map { "\n  \($0)" }.joined()
            )
        }
        guard !roots.isEmpty else {
            throw Failure(
                .unknownObject,
                code: "NOT_FOUND",
                "no span of trace \(id.digits) is in memory; `iii-log replay` finds older ones"
            )
        }
        guard isText else {
            for root in roots { Terminal.write("\(root)\n", to: .output) }
            return
        }
        let lines = SpanTree(roots).lines
        Terminal.write(lines.map { "\($0)\n" }.joined(), to: .output)
    }

    /// The traces in memory that it means.
    private static func traces(
        of id: TraceArgument,
        _ link: EngineLink
    ) async throws(SDKError) -> [String] {
        var input = id.filter
        input["include_internal"] = .bool(true)
        let spans = try await link.ask("engine::traces::list", input).member("spans")
        var traces: [String] = []
        for case let trace? in spans?.elements?.map({ $0.member("trace_id")?.stringValue }) ?? []
        where !traces.contains(trace) {
            traces.append(trace)
        }
        return traces
    }

    private func list(_ isText: Bool) async throws {
        var input: JSONObject = [
            "limit": .integer(Int64(count)), "sort_by": .string("start_time"),
            "sort_order": .string("desc"),
        ]
        for case (let field, let text?) in [
            ("status", status), ("service_name", service), ("name", name),
        ] { input[field] = .string(text) }
        let query = input
        let rows = try await engine.connected { (link) async throws(SDKError) in
            let answer = try await link.ask("engine::traces::list", query)
            return answer.member("spans")?.elements ?? []
        }
        guard !rows.isEmpty else { return Terminal.note("no such trace is in memory") }
        guard isText else {
            for row in rows { Terminal.write("\(row)\n", to: .output) }
            return
        }
        let headings = ["STARTED", "TOOK", "STATUS", "SERVICE", "NAME", "TRACE"]
        var table = TextTable(headings, numbers: [1])
        for row in rows {
            table.add([
                Timestamp(nanoseconds: row.start / 1_000_000 * 1_000_000).rfc3339(), row.took,
                row.shown("status"), row.shown("service_name"), row.shown("name"),
                row.shown("trace_id"),
            ])
        }
        let lines = table.lines { Palette.output.bold($0) }
        Terminal.write(lines.map { "\($0)\n" }.joined(), to: .output)
    }
}

/// Spans below one another, a line each: what, of whom, when since the first began, how long.
private struct SpanTree {
    private let start: Int64
    private(set) var lines: [String] = []

    init(_ roots: [JSONText]) {
        start = roots.map(\.start).min() ?? 0
        // Without recursion: a trace may be deeper than the stack.
        var waiting = roots.sorted { $0.start > $1.start }.map { (span: $0, depth: 0) }
        while let (span, depth) = waiting.popLast() {
            add(span, depth)
            let children = span.member("children")?.elements ?? []
            waiting += children.sorted { $0.start > $1.start }.map { ($0, depth + 1) }
        }
    }

    private mutating func add(_ span: JSONText, _ depth: Int) {
        let indent = String(repeating: "  ", count: min(depth, 40))
        let isError = span.member("status")?.stringValue == "error"
        let name = isError ? Palette.output.red(span.shown("name")) : span.shown("name")
        var line = "\(indent)\(name)  \(Palette.output.gray(span.shown("service_name")))"
        line += "  +\(SpanTime.text(span.start - start))  \(span.took)"
        if isError {
            let told = span.member("status_description")?.stringValue
            line += "  " + Palette.output.red((told ?? "error").visible)
        }
        lines.append(line)
    }
}

extension JSONText {
    /// Of a span, in nanoseconds since 1970.
    fileprivate var start: Int64 { integer("start_time_unix_nano") ?? 0 }

    /// How long a span took.
    fileprivate var took: String {
        if member("pending")?.boolValue == true { return "runs" }
        return SpanTime.text((integer("end_time_unix_nano") ?? start) - start)
    }
}

/// Times of spans for people.
private enum SpanTime {
    /// With three digits, as 4.21 ms.
    static func text(_ nanoseconds: Int64) -> String {
        let units: [(Double, String)] = [(1e9, "s"), (1e6, "ms"), (1e3, "µs")]
        for (size, unit) in units where Double(nanoseconds) >= size {
            let value = Double(nanoseconds) / size
            let digits = value >= 100 ? 1.0 : value >= 10 ? 10.0 : 100.0
            let rounded = (value * digits).rounded() / digits
            return "\(digits == 1 ? "\(Int(rounded))" : "\(rounded)") \(unit)"
        }
        return "\(max(0, nanoseconds)) ns"
    }
}
