import Events
import JSON
import Observability
import Primitives

/// A history in the trace event format of Chrome, which `chrome://tracing` and Perfetto open: the
/// engine and each worker as a process, what they did at the same time on lanes beside one another.
package struct HistoryChrome {
    /// Something with a beginning and an end, drawn as a bar.
    private struct Bar {
        let name: String
        let category: String
        let start: Timestamp
        let end: Timestamp
        let process: Int
        /// The place of the bar that led to it.
        let parent: Int?
        let content: Content
    }

    private enum Content {
        case work(TracedHistory.Span)
        /// An SDK's own.
        case reported(SpanReported)
    }

    private let tree: HistoryTree
    private let isFull: Bool
    private let loose: [LogRecord]
    private var processes = ChromeProcesses()
    private var bars: [Bar] = []

    /// `isFull`: with payloads.
    package init(_ tree: HistoryTree, isFull: Bool = false) {
        self.tree = tree
        self.isFull = isFull
        let traced = TracedHistory(tree)
        loose = traced.loose
        var places: [UInt64: Int] = [:]
        for span in traced.spans {
            places[EngineSpans.id(of: span.record.offset)] = bars.count
            let worker = span.record.event?.worker
            bars.append(
                Bar(
                    name: span.work.name,
                    category: span.record.kindName,
                    start: span.work.start,
                    end: span.end,
                    process: processes.place(of: worker, called: tree.context),
                    parent: span.parent,
                    content: .work(span)
                )
            )
        }
        let first = bars.count
        for (index, span) in traced.reported.enumerated() {
            places[span.record.span] = first + index
        }
        for span in traced.reported.map(\.record) {
            bars.append(
                Bar(
                    name: span.name,
                    category: "sdk",
                    start: span.start,
                    end: max(span.start, span.end),
                    process: processes.place(ofService: span.service),
                    parent: places[span.parent],
                    content: .reported(span)
                )
            )
        }
    }

    /// One JSON object on one line. Times are microseconds since the history's start.
    package var text: String {
        var lanes = ChromeLanes(processes: processes.names.count)
        let drawn = drawn
        let places = drawn.map { index -> Int in
            let bar = bars[index]
            return lanes.place(index, bar.start, bar.end, of: bar.process) { other in
                isWithin(index, other)
            }
        }
        var json = JSONBuilder(capacity: 512 * bars.count)
        json.beginObject()
        json.key("displayTimeUnit")
        json.string("ms")
        json.key("otherData")
        json.beginObject()
        if let trace = tree.history.trace {
            json.key("trace")
            json.string(trace.description)
        }
        json.key("started")
        json.string(tree.start.rfc3339())
        json.endObject()
        json.key("traceEvents")
        json.beginArray()
        writeNames(lanes, into: &json)
        for record in loose { write(record, in: 0, 1, into: &json) }
        for (index, lane) in zip(drawn, places) { write(bars[index], on: lane, into: &json) }
        json.endArray()
        json.endObject()
        return json.finish().description
    }

    /// The bars by their start; of those that start together, the one that contains others first.
    private var drawn: [Int] {
        bars.indices.sorted { left, right in
            let (first, second) = (bars[left], bars[right])
            if first.start != second.start { return first.start < second.start }
            return first.end == second.end ? left < right : first.end > second.end
        }
    }

    /// Whether a bar was led to by `other`, directly or not.
    private func isWithin(_ index: Int, _ other: Int) -> Bool {
        var place = bars[index].parent
        // What SDKs say may go round in circles.
        for _ in bars.indices {
            guard let current = place else { return false }
            if current == other { return true }
            place = bars[current].parent
        }
        return false
    }

    // MARK: Writing

    private func writeNames(_ lanes: ChromeLanes, into json: inout JSONBuilder) {
        for (process, name) in processes.names.enumerated() {
            Self.write("process_name", name, process, 0, into: &json)
            for lane in 1...max(1, lanes.count(of: process)) {
                Self.write("thread_name", "lane \(lane)", process, lane, into: &json)
            }
        }
    }

    private static func write(
        _ what: String,
        _ name: String,
        _ process: Int,
        _ lane: Int,
        into json: inout JSONBuilder
    ) {
        json.beginObject()
        json.key("ph")
        json.string("M")
        json.key("name")
        json.string(what)
        write(process, lane, into: &json)
        json.key("args")
        json.beginObject()
        json.key("name")
        json.string(name)
        json.endObject()
        json.endObject()
    }

    private static func write(_ process: Int, _ lane: Int, into json: inout JSONBuilder) {
        json.key("pid")
        json.integer(process + 1)
        json.key("tid")
        json.integer(lane)
    }

    private func write(_ bar: Bar, on lane: Int, into json: inout JSONBuilder) {
        json.beginObject()
        json.key("ph")
        json.string("X")
        json.key("name")
        json.string(bar.name)
        json.key("cat")
        json.string(bar.category)
        json.key("ts")
        json.double(microseconds(tree.start.distance(to: bar.start)))
        json.key("dur")
        json.double(microseconds(bar.start.distance(to: bar.end)))
        Self.write(bar.process, lane, into: &json)
        json.key("args")
        json.beginObject()
        switch bar.content {
        case .reported(let span):
            for attribute in span.attributes {
                json.key(attribute.name)
                json.string(attribute.value)
            }
        case .work(let span): writeFacts(span, into: &json)
        }
        json.endObject()
        json.endObject()
        guard case .work(let span) = bar.content else { return }
        for record in span.within { write(record, in: bar.process, lane, into: &json) }
    }

    /// Something that happened at one moment.
    private func write(
        _ record: LogRecord,
        in process: Int,
        _ lane: Int,
        into json: inout JSONBuilder
    ) {
        json.beginObject()
        json.key("ph")
        json.string("i")
        json.key("s")
        json.string("t")
        json.key("name")
        json.string(record.happening)
        json.key("cat")
        json.string(record.kindName)
        json.key("ts")
        json.double(microseconds(tree.start.distance(to: record.time)))
        Self.write(process, lane, into: &json)
        json.key("args")
        json.beginObject()
        writeFacts(record, into: &json)
        json.endObject()
        json.endObject()
    }

    private func writeFacts(_ span: TracedHistory.Span, into json: inout JSONBuilder) {
        writeFacts(span.record, into: &json)
        if let error = span.work.error {
            for field in EventField.error(error) { field.write(into: &json) }
        }
        if let missing = span.missing {
            json.key("missing")
            json.string(missing)
        }
        guard let ending = span.ending else { return }
        json.key("end")
        json.integer(ending.offset.rawValue)
        if isFull { for field in ending.payloads { field.write(into: &json) } }
    }

    private func writeFacts(_ record: LogRecord, into json: inout JSONBuilder) {
        EventField("offset", record.offset).write(into: &json)
        for field in record.event?.fields ?? [] where field.saysSomething {
            if case .json = field.value, !isFull { continue }
            field.write(into: &json)
        }
    }

    private func microseconds(_ span: Timestamp.Span) -> Double {
        Double(span.nanoseconds) / 1000
    }
}

/// The processes of a picture: the engine first, then whoever works for it.
private struct ChromeProcesses {
    private(set) var names = ["iii"]
    private var workers: [UUID128: Int] = [:]
    /// By the name that a worker has, or the service that an SDK says it is.
    private var services: [String: Int] = [:]

    mutating func place(of worker: UUID128?, called context: HeadlineContext) -> Int {
        guard let worker, worker != UUID128(high: 0, low: 0) else { return 0 }
        if let place = workers[worker] { return place }
        let place = names.count
        workers[worker] = place
        names.append(context.worker(worker))
        if let name = context.workers[worker]?.name, services[name] == nil {
            services[name] = place
        }
        return place
    }

    mutating func place(ofService name: String) -> Int {
        if let place = services[name] { return place }
        let place = names.count
        services[name] = place
        names.append(name)
        return place
    }
}

/// On which lane of its process each bar is drawn: on one lane bars stand behind one another, or
/// one within the other, and then the outer one has led to the inner one.
private struct ChromeLanes {
    private struct Open {
        let bar: Int
        let end: Timestamp
    }

    /// By process and lane: the bars that have not ended where the last one begins, the innermost
    /// last.
    private var open: [[[Open]]]

    init(processes: Int) { open = Array(repeating: [], count: processes) }

    func count(of process: Int) -> Int { open[process].count }

    /// The lane of the next bar, from 1 on. Bars come by their start.
    mutating func place(
        _ bar: Int,
        _ start: Timestamp,
        _ end: Timestamp,
        of process: Int,
        isWithin: (_ other: Int) -> Bool
    ) -> Int {
        let next = Open(bar: bar, end: end)
        for lane in open[process].indices {
            while let last = open[process][lane].last, last.end <= start, last.end < end {
                open[process][lane].removeLast()
            }
            if let last = open[process][lane].last, end > last.end || !isWithin(last.bar) {
                continue
            }
            open[process][lane].append(next)
            return lane + 1
        }
        open[process].append([next])
        return open[process].count
    }
}
