import ArgumentParser
import CommandLineKit
import Glibc
import LogTools
import Primitives

/// Which log.
struct LogArguments: ParsableArguments {
    @Option(
        name: [.customShort("D"), .customLong("data")],
        help: ArgumentHelp("The engine's data directory; else ./data.", valueName: "directory")
    )
    var data: String?

    @Option(
        name: .customLong("file"),
        parsing: .upToNextOption,
        help: ArgumentHelp("Segment files, from anywhere.", valueName: "segment")
    )
    var files: [String] = []

    @Option(
        help: ArgumentHelp(
            "A running engine, here or elsewhere, for its log.",
            valueName: "ws://host:port"
        )
    )
    var engine: String?

    func validate() throws {
        guard [data != nil, !files.isEmpty, engine != nil].count(where: { $0 }) > 1 else { return }
        throw ValidationError(
            "-D names a directory, --file segments, --engine an engine: give one of them."
        )
    }

    /// Asks the engine, where one is named.
    func location() throws(ToolError) -> LogLocation {
        if let engine { return try EngineLog.location(engine) }
        return files.isEmpty ? .directory(data ?? "data") : .files(files)
    }

    func pass() throws(ToolError) -> LogPass { try LogPass(tellingOf: location()) }
}

extension LogPass {
    /// A pass that tells on a terminal how far it has come, where it takes long.
    init(tellingOf location: LogLocation) throws(ToolError) {
        try self.init(location)
        guard Terminal.isTerminal(.error) else { return }
        let line = ProgressLine()
        try report { line.tell($0.text) }
    }
}

/// What the program's verbs share.
enum Answer {
    static func output() -> Output { Output { Terminal.write($0, to: .output) } }

    static func note(_ text: String) { Terminal.note(text) }

    /// Runs `body`, and tells what it could not do in the program's own way.
    static func telling<Value>(_ body: () throws(ToolError) -> Value) throws(Failure) -> Value {
        do throws(ToolError) {
            return try body()
        } catch {
            throw Failure(status(of: error.code), code: error.code.rawValue, error.message)
        }
    }

    /// Hands over what is left of an answer, and tells where not all of it could be written.
    static func finish(_ output: Output) throws(Failure) {
        output.flush()
        if let failure = Terminal.lostOutput { throw failure }
    }

    /// Throws where records could not be shown for damage.
    static func tell(damages: [String]) throws(Failure) {
        guard !damages.isEmpty else { return }
        let lines = damages.map { "\n  \($0)" }.joined()
        throw Failure(
            .damaged,
            code: "log.damaged",
            "the log is damaged; what is intact was shown:\(lines)\n`iii-log verify` tells more"
        )
    }

    private static func status(of code: ToolError.Code) -> ExitStatus {
        switch code {
        case .noSuchLog, .foreignDirectory, .notEmpty, .fileExists: .configuration
        case .unreadable, .notWritten: .storageFault
        case .unreachable: .unreachable
        case .notPermitted: .notPermitted
        case .late: .timedOut
        case .damaged: .damaged
        case .inUse: .inUse
        case .unknownID, .unknownOffset, .unknownSegment, .unknownKey, .unknownQueue,
            .unknownJob, .historyTrimmed, .noRun:
            .unknownObject
        case .tooLarge, .noInput, .refused: .failed
        case .ambiguousID, .malformedID, .malformedTime, .malformedPattern, .malformedFormat,
            .unknownKind, .unknownField, .malformedFilter, .malformedPath, .malformedLoss,
            .lossNotAccepted, .malformedAddress, .elsewhere:
            .usage
        }
    }
}
