import ArgumentParser
import CommandLineKit
import LogTools
import Primitives

struct Replay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Show all that a request led to, as a tree of causes.",
        discussion: """
            The id is a trace id (what the response header x-iii-trace-id says), or at least its \
            first 6 digits; a record's offset, as 12 or @12; or the UUID of an invocation or of a \
            message's receipt. What --otlp prints is the body of a POST to a collector's \
            /v1/traces; what --chrome prints is opened by https://ui.perfetto.dev and \
            chrome://tracing.

            --against runs the function once more that the id names, or else the first one of the \
            request, on a worker of that engine (iii-sdk 0.25 or newer, or in Swift). It is called \
            with what it was called with; what it calls itself, state and queues too, is answered \
            from the log and not done. What it does elsewhere, it does again. Exits 1 when it \
            fails, with --diff when anything differs; 3 when there is no engine, 4 when nobody \
            serves the function, 5 when it does not end in time; 65 in place of 0 and 1 when the \
            log is damaged.
            """
    )

    @Argument(help: "A trace id, an offset, an invocation or a receipt.")
    var id: String

    @OptionGroup var log: LogArguments

    @Flag(help: "One record after the other, in the order of time.")
    var timeline = false

    @Flag(help: "The timeline, one record at a time: Enter shows the next one, q ends.")
    var step = false

    @Flag(help: "Payloads and stack traces whole; with --otlp and --chrome, payloads at all.")
    var full = false

    @Flag(help: "One JSON object.")
    var json = false

    @Flag(help: "Spans for a collector of OpenTelemetry, as OTLP/JSON.")
    var otlp = false

    @Flag(help: "Chrome's trace event format.")
    var chrome = false

    @Option(
        help: ArgumentHelp(
            "Run it again on the workers of that engine; what it calls is answered from the log.",
            valueName: "ws://host:port"
        )
    )
    var against: String?

    @Flag(help: "With --against: what differs from the log; with --json as JSON, one a line.")
    var diff = false

    @Option(help: ArgumentHelp("With --against: how long to wait.", valueName: "seconds"))
    var timeout = 30

    func validate() throws {
        let forms = [timeline || step, json, otlp, chrome].count { $0 }
        if forms > 1 {
            throw ValidationError(
                "--timeline (also with --step), --json, --otlp and --chrome are forms: choose one."
            )
        }
        guard against != nil else { return }
        if timeline || step || otlp || chrome {
            throw ValidationError("--against runs something, and shows no history.")
        }
        if timeout < 1 { throw ValidationError("--timeout is a number of seconds, from 1 on.") }
    }

    func run() async throws {
        let log = log
        let id = id
        let (name, tree, damages) = try Answer.telling { () throws(ToolError) in
            let name = try HistoryID(id)
            var finder = HistoryFinder(try log.pass())
            let history = try finder.history(of: name)
            return (name, HistoryTree(history), finder.damages)
        }
        if let against {
            let recording = try Answer.telling { () throws(ToolError) in
                try Recording(tree, name)
            }
            return try await replay(recording, at: against, despite: damages)
        }
        let output = Answer.output()
        write(tree, to: output)
        try Answer.finish(output)
        try Answer.tell(damages: damages)
    }

    // MARK: Running again

    /// Damage may be why something differs: it is told before, and more than that in the end.
    private func replay(
        _ recording: Recording,
        at address: String,
        despite damages: [String]
    ) async throws {
        guard !damages.isEmpty else { return try await replay(recording, at: address) }
        let lines = damages.map { "\n  \($0)" }.joined()
        Answer.note("the log is damaged; what was recorded there is not known:\(lines)")
        var problems: [Failure.Problem] = []
        do {
            try await replay(recording, at: address)
        } catch let failure as Failure where failure.status == .failed {
            problems = failure.problems
        } catch let exit as ExitCode where exit.rawValue == ExitStatus.failed.rawValue {
            // What differs was told.
        }
        problems.append(
            Failure.Problem(
                code: "log.damaged",
                message: "the log is damaged, as told above; `iii-log verify` tells more"
            )
        )
        throw Failure(.damaged, problems)
    }

    private func replay(_ recording: Recording, at address: String) async throws {
        let function = "\(recording.function)".visible
        Answer.note("\(function) is run again, as record \(recording.run) has it")
        let location = try Answer.telling { () throws(ToolError) in try log.location() }
        let outcome = try await LiveReplay(recording, location)
            .run(at: address, timeout: .seconds(timeout))
        if recording.result == nil {
            Answer.note("the log does not tell what it answered: that is compared with nothing")
        }
        if diff { return try tell(outcome.differences) }
        if !outcome.differences.isEmpty {
            Answer.note("--diff tells what differs from the log: \(outcome.differences.count)")
        }
        switch outcome.result {
        case .none: break
        case .value(let bytes):
            let output = Answer.output()
            output.line(String(decoding: bytes, as: UTF8.self))
            try Answer.finish(output)
        case .failure(let error):
            let lines = (error.stacktrace ?? "").split(whereSeparator: \.isNewline)
            let trace = lines.map { "\n\(String($0).visible)" }.joined()
            throw Failure(.failed, code: error.code, error.message.visible + trace)
        }
    }

    private func tell(_ differences: [ReplayDifference]) throws {
        let output = Answer.output()
        for difference in differences { output.line(json ? difference.json : difference.text) }
        try Answer.finish(output)
        if differences.isEmpty { return Answer.note("nothing differs from the log") }
        throw ExitCode(ExitStatus.failed.rawValue)
    }

    // MARK: Showing

    private func write(_ tree: HistoryTree, to output: Output) {
        let text = HistoryText(palette: .output, isFull: full || step)
        if json {
            output.line(tree.json)
        } else if otlp {
            let export = HistoryOTLP(tree, isFull: full)
            output.line(export.text)
            if export.leftOut > 0 {
                Answer.note("records that belong to no span, and are left out: \(export.leftOut)")
            }
        } else if chrome {
            output.line(HistoryChrome(tree, isFull: full).text)
        } else if step {
            text.write(steps: tree, to: output) { shown in
                Self.goesOn(shown, of: tree.nodes.count)
            }
        } else if timeline {
            text.write(timeline: tree, to: output)
        } else {
            text.write(tree: tree, to: output)
        }
    }

    /// Waits for a line; at the end of the input nobody wants to see more.
    private static func goesOn(_ shown: Int, of count: Int) -> Bool {
        let isAsked = Terminal.isTerminal(.input)
        if isAsked {
            Terminal.write("\(shown) of \(count): Enter goes on, q ends ", to: .error)
        }
        guard let line = readLine() else {
            if isAsked { Terminal.write("\n", to: .error) }
            return false
        }
        return line.filter { !$0.isWhitespace }.lowercased() != "q"
    }
}
