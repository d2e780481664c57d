import ArgumentParser
import CommandLineKit
import IIISDK
import JSON
import Primitives
import Server

/// `iii state`: what a running engine keeps.
struct StateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "state",
        abstract: "Read and write the state of a running engine.",
        discussion: """
            A value is printed as JSON, what was written as the revision that it has; lists are \
            tables on a terminal. Exits 1 when the engine refuses, or a revision is another one \
            than expected; 3 when it cannot be reached; 4 when there is no such key.
            """,
        subcommands: [
            StateGet.self, StateSet.self, StateList.self, StateDelete.self, StateHistory.self,
        ]
    )
}

/// Which engine.
struct EngineArguments: ParsableArguments {
    @Option(
        name: [.customLong("address"), .customLong("engine")],
        help: "The engine, as ws://HOST:PORT; else III_URL, else ws://127.0.0.1:49134."
    )
    var address: String?

    /// Calls one function and hands back what it answered; nil: no value.
    func call(_ function: String, _ input: JSONBuilder) async throws(Failure) -> JSONText? {
        let text = input.finish()
        return try await connected { (link) async throws(SDKError) in
            try await link.call(function, text)
        }
    }
}

struct StatePlaceArguments: ParsableArguments {
    @Argument(help: "The scope.")
    var scope: String

    @Argument(help: "The key.")
    var key: String

    var input: JSONBuilder {
        var builder = JSONBuilder()
        builder.beginObject()
        builder.key("scope")
        builder.string(scope)
        builder.key("key")
        builder.string(key)
        return builder
    }

    /// - Throws: where there is no such key.
    func found<Value>(_ value: Value?) throws(Failure) -> Value {
        guard let value else {
            throw Failure(.unknownObject, code: "state.not_found", "\(scope)/\(key) is not there")
        }
        return value
    }
}

private func say(_ value: JSONText) { Terminal.write("\(value)\n", to: .output) }

struct StateGet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Print a value."
    )

    @OptionGroup var place: StatePlaceArguments

    @Option(
        parsing: .unconditional,
        help: """
            What it was: the offset of a record, or a time such as 2026-09-01T12:00:00Z, -1h or \
            yesterday.
            """,
        transform: StateMoment.read
    )
    var at: StateMoment?

    @Flag(help: "With its revision, and when it goes by itself.")
    var revision = false

    @OptionGroup var shared: ListArguments

    func run() async throws {
        var input = place.input
        switch at {
        case .offset(let offset)?:
            input.key("at")
            input.integer(offset)
        case .time(let time)?:
            input.key("at")
            input.string(time.rfc3339())
        case nil: break
        }
        input.key("with_revision")
        input.bool(true)
        input.endObject()
        let answer = try await shared.engine.call("state::get", input)
        let number = answer?.member("revision")?.numberValue?.int64Value ?? 0
        let found = try place.found(number == 0 ? nil : answer)
        say(revision ? found : found.member("value") ?? .null)
    }
}

/// A place in the log, as people name it.
enum StateMoment: Sendable {
    case offset(UInt64)
    case time(Timestamp)

    static func read(_ text: String) throws -> StateMoment {
        if let offset = UInt64(text) { return .offset(offset) }
        if let time = Timestamp(expression: text, now: SystemClock().now().wall) {
            return .time(time)
        }
        throw ValidationError(
            "\"\(text.visible)\" is no offset and no time; write \(Timestamp.expressionForms)"
        )
    }
}

struct StateSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Set a value, and print the key's revision.",
        usage: """
            iii state set <scope> <key> <value> [--if-revision <if-revision>] [--ttl <ttl>] \
            [--address <address>] [--json]
            """,
        discussion: """
            A value that is JSON stands for itself, any other is a string; what begins with - and \
            is no number stands behind --.
            """
    )

    @OptionGroup var place: StatePlaceArguments

    /// What is no option is left for it, since a number may begin with a minus.
    @Argument(
        parsing: .allUnrecognized,
        help: ArgumentHelp("The value; - reads JSON from standard input.", valueName: "value")
    )
    var values: [String]

    @Option(help: "Only at this revision; 0: only where there is no such key.")
    var ifRevision: UInt64?

    @Option(help: "How long it stays, such as 500ms or 5m.", transform: TriggerCommand.duration)
    var ttl: Duration?

    @OptionGroup var shared: ListArguments

    func validate() throws {
        _ = try value()
        if let ttl, ttl < .milliseconds(1) {
            throw ValidationError("--ttl is at least 1ms: a value that is gone at once is not set")
        }
    }

    private func value() throws -> String {
        let isBehindMark = values.first == "--"
        let words = isBehindMark ? values.dropFirst() : values[...]
        guard let word = words.first else { throw ValidationError("the value is missing") }
        if !isBehindMark, word.hasPrefix("-"), word != "-", !Payload.isNumber(word) {
            throw ValidationError("there is no option '\(word.visible)'")
        }
        guard words.count == 1 else {
            let rest = words.dropFirst().joined(separator: " ")
            throw ValidationError("one value is set at a time, and '\(rest.visible)' is more")
        }
        return word
    }

    func run() async throws {
        var input = place.input
        input.key("value")
        input.raw(bytes: try Payload.single(value()).bytes)
        if let ifRevision {
            input.key("if_revision")
            input.integer(ifRevision)
        }
        if let ttl {
            input.key("ttl_ms")
            input.integer(Int64(ttl / .milliseconds(1)))
        }
        input.key("with_revision")
        input.bool(true)
        input.endObject()
        try StateOutcomeText.tell(try await shared.engine.call("state::set", input), place)
    }
}

struct StateDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete a key, and print the revision of that.",
        aliases: ["rm"]
    )

    @OptionGroup var place: StatePlaceArguments

    @Option(help: "Only at this revision.")
    var ifRevision: UInt64?

    @OptionGroup var shared: ListArguments

    func run() async throws {
        var input = place.input
        if let ifRevision {
            input.key("if_revision")
            input.integer(ifRevision)
        }
        input.key("with_revision")
        input.bool(true)
        input.endObject()
        try StateOutcomeText.tell(try await shared.engine.call("state::delete", input), place)
    }
}

private enum StateOutcomeText {
    /// - Throws: where nothing was written.
    static func tell(_ answer: JSONText?, _ place: StatePlaceArguments) throws(Failure) {
        let revision = answer?.member("revision")
        switch answer?.member("outcome")?.stringValue {
        case "applied": say(revision ?? .null)
        case "not_found": _ = try place.found(Optional<JSONText>.none)
        default:
            throw Failure(
                .failed,
                code: "state.conflict",
                "\(place.scope)/\(place.key) is at revision \(revision?.description ?? "?")"
            )
        }
    }
}
