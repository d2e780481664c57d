import ArgumentParser
import CommandLineKit
import IIISDK
import JSON
import Server

/// `iii state`: what a running engine keeps.
struct StateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "state",
        abstract: "Read and write the state of a running engine.",
        discussion: """
            Prints JSON, one value or entry a line. Exits 1 when the engine refuses, or a revision \
            is another one than expected; 3 when it cannot be reached; 4 when there is no such key.
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

    @Option(help: "What it was: the offset of a record, or a time such as 2026-09-01T12:00:00Z.")
    var at: String?

    @Flag(help: "With its revision, and when it goes by itself.")
    var revision = false

    @OptionGroup var engine: EngineArguments

    func run() async throws {
        var input = place.input
        if let at {
            input.key("at")
            if let offset = UInt64(at) { input.integer(offset) } else { input.string(at) }
        }
        input.key("with_revision")
        input.bool(true)
        input.endObject()
        let answer = try await engine.call("state::get", input)
        let number = answer?.member("revision")?.numberValue?.int64Value ?? 0
        let found = try place.found(number == 0 ? nil : answer)
        say(revision ? found : found.member("value") ?? .null)
    }
}

struct StateSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Set a value, and print the key's revision.",
        discussion: "A value that is JSON stands for itself, any other is a string."
    )

    @OptionGroup var place: StatePlaceArguments

    @Argument(help: "The value; - reads JSON from standard input.")
    var value: String

    @Option(help: "Only at this revision; 0: only where there is no such key.")
    var ifRevision: UInt64?

    @Option(help: "How long it stays, such as 500ms or 5m.", transform: TriggerCommand.duration)
    var ttl: Duration?

    @OptionGroup var engine: EngineArguments

    func run() async throws {
        var input = place.input
        input.key("value")
        input.raw(bytes: try Payload.single(value).bytes)
        if let ifRevision {
            input.key("if_revision")
            input.integer(ifRevision)
        }
        if let ttl {
            input.key("ttl_ms")
            input.integer(max(1, Int64(ttl / .milliseconds(1))))
        }
        input.key("with_revision")
        input.bool(true)
        input.endObject()
        try StateOutcomeText.tell(try await engine.call("state::set", input), place)
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

    @OptionGroup var engine: EngineArguments

    func run() async throws {
        var input = place.input
        if let ifRevision {
            input.key("if_revision")
            input.integer(ifRevision)
        }
        input.key("with_revision")
        input.bool(true)
        input.endObject()
        try StateOutcomeText.tell(try await engine.call("state::delete", input), place)
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

struct StateList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List the scopes, or the entries of one."
    )

    @Argument(help: "The scope.")
    var scope: String?

    @Argument(help: "What the keys begin with.")
    var prefix: String?

    @OptionGroup var engine: EngineArguments

    func run() async throws {
        guard let scope else {
            var input = JSONBuilder()
            input.beginObject()
            input.endObject()
            let answer = try await engine.call("state::list_groups", input)
            for name in answer?.member("groups")?.elements ?? [] {
                Terminal.write("\(name.stringValue ?? "")\n", to: .output)
            }
            return
        }
        var cursor: String?
        repeat {
            var input = JSONBuilder()
            input.beginObject()
            input.key("scope")
            input.string(scope)
            input.key("prefix")
            input.string(prefix ?? "")
            input.key("limit")
            input.integer(1000)
            if let cursor {
                input.key("cursor")
                input.string(cursor)
            }
            input.endObject()
            let page = try await engine.call("state::entries", input)
            for entry in page?.member("entries")?.elements ?? [] { say(entry) }
            cursor = page?.member("cursor")?.stringValue
        } while cursor != nil
    }
}

struct StateHistory: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Print the writes of a key, the youngest first."
    )

    @OptionGroup var place: StatePlaceArguments

    @Option(name: .shortAndLong, help: "At most so many.")
    var limit = 20

    @Option(help: "Only those below this offset.")
    var before: UInt64?

    @OptionGroup var engine: EngineArguments

    func run() async throws {
        var input = place.input
        input.key("limit")
        input.integer(limit)
        if let before {
            input.key("before")
            input.integer(before)
        }
        input.endObject()
        let answer = try await engine.call("state::history", input)
        for entry in answer?.member("entries")?.elements ?? [] { say(entry) }
    }
}
