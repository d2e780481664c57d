import ArgumentParser
import CommandLineKit
import IIISDK
import JSON
import Primitives

/// `iii logs`: what workers log.
struct LogsCommand: AsyncParsableCommand {
    enum Level: String, ExpressibleByArgument, CaseIterable {
        case trace, debug, info, warn, error, fatal

        /// OpenTelemetry's least severity number of it.
        var severity: Int64 {
            switch self {
            case .trace: 1
            case .debug: 5
            case .info: 9
            case .warn: 13
            case .error: 17
            case .fatal: 21
            }
        }
    }

    static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "Print what workers have logged, the youngest last.",
        discussion: """
            A running engine has the youngest lines in memory; `iii-log show --kind logged` shows \
            all that the log holds. Exits 3 when the engine cannot be reached; one that goes away \
            while its lines are followed has half a minute to come back.
            """
    )

    @Flag(name: .shortAndLong, help: "Go on with what comes, until it is stopped.")
    var follow = false

    @Option(help: "Only lines of this trace, or of those whose ids begin so: 6 digits or more.")
    var trace: TraceArgument?

    @Option(help: "Only lines of this level and above.")
    var level: Level?

    @Option(name: [.customShort("n"), .long], help: "So many of the youngest, up to 10000.")
    var count = 100

    @OptionGroup var engine: EngineArguments

    @Flag(help: "Print JSON, one object a line; so it is where the output is no terminal.")
    var json = false

    /// How many lines an engine has in memory.
    private static let most = 10_000
    /// Between two questions.
    private static let pause = Duration.milliseconds(300)
    /// For how long a lost connection is waited for.
    private static let patience = Duration.seconds(30)

    func validate() throws {
        guard (0...Self.most).contains(count) else {
            throw ValidationError("--count is a number from 0 to \(Self.most)")
        }
    }

    func run() async throws {
        try await engine.connected { (link) async throws(SDKError) in try await tell(link) }
    }

    private func tell(_ link: EngineLink) async throws(SDKError) {
        var tail = LogTail()
        let known = try await lines(link, max(count, 1))
        tail.remember(known)
        write(known.prefix(count))
        guard follow else {
            if known.isEmpty { Terminal.note("no such line is in memory; the log has older ones") }
            return
        }
        var lost: ContinuousClock.Instant?
        while Terminal.takesOutput {
            do { try await Task.sleep(for: Self.pause) } catch { return }
            do throws(SDKError) {
                try await more(link, &tail)
                lost = nil
            } catch  where error.code == .connectionLost || error.code == .cannotConnect {
                if let lost {
                    guard lost.duration(to: .now) < Self.patience else { throw error }
                } else {
                    Terminal.note("the connection is lost; lines follow once it is back")
                    lost = .now
                }
            }
        }
    }

    /// Prints what has come since: asks for more until what was seen before is among it.
    private func more(_ link: EngineLink, _ tail: inout LogTail) async throws(SDKError) {
        var asked = 200
        while true {
            let rows = try await lines(link, asked)
            let (fresh, isWhole) = tail.look(rows, asked: asked)
            guard isWhole || asked >= Self.most else {
                asked *= 10
                continue
            }
            if !isWhole {
                Terminal.note("more lines came than an engine keeps; the log has all of them")
            }
            tail.remember(rows)
            return write(fresh)
        }
    }

    /// The youngest first.
    private func lines(_ link: EngineLink, _ limit: Int) async throws(SDKError) -> [JSONText] {
        var input = trace?.filter ?? [:]
        input["limit"] = .integer(Int64(limit))
        if let level { input["severity_min"] = .integer(level.severity) }
        return try await link.ask("engine::logs::list", input).member("logs")?.elements ?? []
    }

    private func write(_ youngestFirst: some BidirectionalCollection<JSONText>) {
        guard !youngestFirst.isEmpty else { return }
        let isText = ReportFormat.choose(json: json) == .text
        let lines = youngestFirst.reversed().map { isText ? Self.text($0) : $0.description }
        Terminal.write(lines.map { "\($0)\n" }.joined(), to: .output)
    }

    /// A line for people: when, how bad, who, what, and the rest of what it says.
    private static func text(_ line: JSONText) -> String {
        let time = Timestamp(nanoseconds: line.integer("timestamp_unix_nano") ?? 0)
        let milliseconds = Timestamp(nanoseconds: time.milliseconds * 1_000_000)
        let name = line.shown("severity_text")
        let padded = name + String(repeating: " ", count: max(0, 5 - name.count))
        let severity = line.integer("severity_number") ?? 0
        let palette = Palette.output
        let level =
            severity >= 17 ? palette.red(padded) : severity >= 13 ? palette.yellow(padded) : padded
        var text = "\(palette.gray(milliseconds.rfc3339())) \(level) "
        text += "\(line.shown("service_name")): \(line.shown("body"))"
        if let data = line.member("attributes")?.member("log.data"), !data.isNull {
            text += " " + data.description.visible
        }
        if let trace = line.member("trace_id")?.stringValue { text += " " + palette.gray(trace) }
        return text
    }
}

/// Which of the lines that an engine lists, the youngest first, have not been seen.
struct LogTail {
    /// The youngest that were seen, the youngest first.
    private var seen: [String] = []

    /// Lines that are compared: one alone may come twice.
    private static let memory = 8

    /// The lines that are new.
    ///
    /// - Parameters:
    ///   - rows: what is listed now.
    ///   - asked: how many were asked for.
    /// - Returns: them, and whether there are no others between them and those that were seen.
    func look(_ rows: [JSONText], asked: Int) -> (fresh: [JSONText], isWhole: Bool) {
        guard !seen.isEmpty else { return (rows, true) }
        let texts = rows.map(\.description)
        let place = texts.indices.first { start in
            zip(texts[start...], seen).allSatisfy { $0 == $1 }
        }
        guard let place else { return (rows, rows.count < asked) }
        return (Array(rows[..<place]), true)
    }

    /// They have been seen.
    mutating func remember(_ rows: [JSONText]) {
        guard !rows.isEmpty else { return }
        seen = rows.prefix(Self.memory).map(\.description)
    }
}
