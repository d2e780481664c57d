import ArgumentParser
import CommandLineKit
import IIISDK
import JSON
import Primitives

/// `iii top`: what a running engine is busy with.
struct TopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Show what the functions, queues and workers of an engine are doing, as it goes.",
        discussion: """
            On a terminal the picture is drawn anew, on a dumb one (TERM) each below the last; \
            elsewhere it is one JSON object each time. Exits 3 when the engine cannot be reached.
            """
    )

    @Option(
        name: .shortAndLong,
        help: "Time between two pictures; else 1s.",
        transform: TriggerCommand.duration
    )
    var delay = Duration.seconds(1)

    @Option(name: [.customShort("n"), .customLong("count")], help: "End after so many pictures.")
    var count: Int?

    @OptionGroup var engine: EngineArguments

    @Flag(help: "Print JSON, one object a line; so it is where the output is no terminal.")
    var json = false

    func validate() throws {
        guard delay >= .milliseconds(100) else {
            throw ValidationError("--delay is 100ms at the least")
        }
        if let count, count < 1 { throw ValidationError("--count is a number from 1 on") }
    }

    func run() async throws {
        try await engine.connected { (link) async throws(SDKError) in try await watch(link) }
    }

    private func watch(_ link: EngineLink) async throws(SDKError) {
        let isText = ReportFormat.choose(json: json) == .text
        var before = try await EngineLoad(link)
        var shown = 0
        while Terminal.takesOutput {
            do { try await Task.sleep(for: delay) } catch { return }
            let now = try await EngineLoad(link)
            let picture = LoadPicture(now, since: before)
            before = now
            let text =
                isText ? Self.text(picture, isFirst: shown == 0) : "\(picture.json)\n"
            Terminal.write(text, to: .output)
            shown += 1
            if let count, shown >= count { return }
        }
    }

    /// In the place of the one before; on a terminal that cannot do that, below it.
    private static func text(_ picture: LoadPicture, isFirst: Bool) -> String {
        let lines = picture.lines(rows: Terminal.height.map { $0 - 1 } ?? .max)
        guard Terminal.takesControls(.output) else { return lines.map { "\($0)\n" }.joined() }
        // Home, and away with what was there: what was on the screen before stays above.
        let clear = isFirst ? "\u{1B}[2J\u{1B}[H" : "\u{1B}[H"
        return clear + lines.map { "\($0)\u{1B}[K\n" }.joined() + "\u{1B}[J"
    }
}

/// What an engine counts, at one moment.
struct EngineLoad: Sendable {
    struct Queue: Sendable {
        let name: String
        let depth: Int64
        let dead: Int64
        let consumers: Int64
    }

    struct Worker: Sendable {
        let name: String
        let runtime: String
        let functions: Int64
        let active: Int64
    }

    let time: ContinuousClock.Instant
    let total: Int64
    let failed: Int64
    let p50: Double
    let p99: Double
    /// Runs since the engine began, by function.
    let runs: [String: Int64]
    let queues: [Queue]
    let workers: [Worker]

    /// Queues that are looked at one by one.
    private static let queueLimit = 200

    init(_ link: EngineLink) async throws(SDKError) {
        let metrics = try await link.ask("engine::metrics::list").member("engine_metrics")
        time = ContinuousClock.now
        let invocations = metrics?.member("invocations")
        total = invocations?.integer("total") ?? 0
        failed = invocations?.integer("error") ?? 0
        let performance = metrics?.member("performance")
        p50 = performance?.number("p50_duration_ms") ?? 0
        p99 = performance?.number("p99_duration_ms") ?? 0
        var runs: [String: Int64] = [:]
        if case .object(let counts)? = invocations?.member("by_function")?.value() {
            for member in counts.members {
                guard case .number(let number) = member.value else { continue }
                runs[member.name] = number.int64Value ?? 0
            }
        }
        self.runs = runs
        queues = try await Self.queues(link)
        let rows = try await link.ask("engine::workers::list").member("workers")?.elements ?? []
        workers = rows.filter { $0.member("status")?.stringValue == "connected" }.map { row in
            Worker(
                name: row.shown("name"),
                runtime: row.shown("runtime"),
                functions: row.integer("function_count") ?? 0,
                active: row.integer("active_invocations") ?? 0
            )
        }
    }

    private static func queues(_ link: EngineLink) async throws(SDKError) -> [Queue] {
        let topics = try await link.ask("engine::queue::list_topics").elements ?? []
        var queues: [Queue] = []
        for name in topics.prefix(queueLimit).compactMap({ $0.member("name")?.stringValue }) {
            let stats = try await link.ask("engine::queue::topic_stats", ["topic": .string(name)])
            queues.append(
                Queue(
                    name: name,
                    depth: stats.integer("depth") ?? 0,
                    dead: stats.integer("dlq_depth") ?? 0,
                    consumers: stats.integer("consumer_count") ?? 0
                )
            )
        }
        return queues
    }
}

/// What happened between two moments.
struct LoadPicture {
    private let load: EngineLoad
    private let perSecond: Double
    private let failedPerSecond: Double
    /// The busiest first.
    private let functions: [(name: String, perSecond: Double, runs: Int64)]

    init(_ load: EngineLoad, since before: EngineLoad) {
        self.load = load
        let span = before.time.duration(to: load.time).components
        let seconds = max(0.001, Double(span.seconds) + Double(span.attoseconds) / 1e18)
        // A restart in between counts from 0 again.
        func rate(_ now: Int64, _ then: Int64) -> Double {
            (Double(max(0, now - then)) / seconds * 10).rounded() / 10
        }
        perSecond = rate(load.total, before.total)
        failedPerSecond = rate(load.failed, before.failed)
        functions = load.runs.map { name, runs in
            (name, rate(runs, before.runs[name] ?? 0), runs)
        }
        .sorted { ($1.perSecond, $1.runs, $0.name) < ($0.perSecond, $0.runs, $1.name) }
    }

    var json: JSONText {
        JSONValue.object([
            "time": .string(SystemClock().now().wall.rfc3339()),
            "invocations_per_second": .number(JSONNumber(perSecond) ?? .integer(0)),
            "failed_per_second": .number(JSONNumber(failedPerSecond) ?? .integer(0)),
            "functions": .array(
                functions.map { function in
                    .object([
                        "function_id": .string(function.name),
                        "per_second": .number(JSONNumber(function.perSecond) ?? .integer(0)),
                        "runs": .integer(function.runs),
                    ])
                }
            ),
            "queues": .array(
                load.queues.map { queue in
                    .object([
                        "name": .string(queue.name), "depth": .integer(queue.depth),
                        "dead": .integer(queue.dead), "consumers": .integer(queue.consumers),
                    ])
                }
            ),
            "workers": .array(
                load.workers.map { worker in
                    .object([
                        "name": .string(worker.name), "runtime": .string(worker.runtime),
                        "functions": .integer(worker.functions),
                        "active": .integer(worker.active),
                    ])
                }
            ),
        ]).text
    }

    /// For a terminal with so many rows: what is busy or wrong comes first.
    func lines(rows: Int) -> [String] {
        let failed = "\(failedPerSecond)/s failed"
        let time = SystemClock().now().wall.rfc3339().prefix(19)
        var head = "\(time)Z  \(Palette.output.bold("\(perSecond)/s")) run, "
        head += failedPerSecond > 0 ? Palette.output.red(failed) : failed
        head += ", p50 \(Self.rounded(load.p50)) ms, p99 \(Self.rounded(load.p99)) ms"
        var lines = [head, ""]
        let parts = [queueTable, workerTable, functionTable].filter { !$0.isEmpty }
        for (index, part) in parts.enumerated() {
            let left = rows - lines.count - 1
            guard left > 2 else { break }
            // What comes later needs room too.
            let share = index == parts.count - 1 ? left : left / (parts.count - index)
            lines += part.prefix(max(2, share)) + [""]
        }
        return Array(lines.prefix(rows))
    }

    /// With one digit behind the point, which is enough for milliseconds.
    private static func rounded(_ value: Double) -> Double { (value * 10).rounded() / 10 }

    private var queueTable: [String] {
        var table = TextTable(["QUEUE", "DEPTH", "DEAD", "CONSUMERS"], numbers: [1, 2, 3])
        let order = load.queues.sorted {
            ($1.dead, $1.depth, $0.name) < ($0.dead, $0.depth, $1.name)
        }
        for queue in order {
            table.add([
                queue.name.visible, "\(queue.depth)", "\(queue.dead)", "\(queue.consumers)",
            ])
        }
        return table.isEmpty ? [] : table.lines(heading: { Palette.output.bold($0) })
    }

    private var workerTable: [String] {
        var table = TextTable(["WORKER", "RUNTIME", "FUNCTIONS", "RUNNING"], numbers: [2, 3])
        // This command is a worker too.
        for worker in load.workers.sorted(by: { ($1.active, $0.name) < ($0.active, $1.name) })
        where worker.name != "iii-cli" {
            table.add([worker.name, worker.runtime, "\(worker.functions)", "\(worker.active)"])
        }
        return table.isEmpty ? [] : table.lines(heading: { Palette.output.bold($0) })
    }

    private var functionTable: [String] {
        var table = TextTable(["FUNCTION", "RUNS/S", "RUNS"], numbers: [1, 2])
        for function in functions {
            table.add([function.name.visible, "\(function.perSecond)", "\(function.runs)"])
        }
        return table.isEmpty ? [] : table.lines(heading: { Palette.output.bold($0) })
    }
}
