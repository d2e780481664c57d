import ArgumentParser
import CommandLineKit
import IIISDK
import JSON
import Primitives

/// `iii stream`: what streams hold, and what happens to them.
struct StreamCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stream",
        abstract: "Look into the streams of a running engine.",
        subcommands: [ListStreams.self, TailStream.self]
    )
}

struct ListStreams: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List streams, the groups of one, or the items of a group, one a line."
    )

    @Argument(help: "A stream; else all.")
    var stream: String?

    @Argument(help: "A group of it; else all.")
    var group: String?

    @OptionGroup var shared: ListArguments

    func run() async throws {
        guard let stream else { return try await listStreams() }
        guard let group else { return try await listGroups(of: stream) }
        try await shared.engine.connected { (link) async throws(SDKError) in
            try await listItems(of: stream, group, link)
        }
    }

    private func listStreams() async throws {
        let streams = try await shared.list("stream::list_all", in: "stream")
        shared.write(
            streams.map { stream in
                let count = stream.member("groups")?.elements?.count ?? 0
                let name = stream.member("id")?.stringValue ?? ""
                return JSONValue.object([
                    "stream": .string(name), "groups": .integer(Int64(count)),
                ]).text
            },
            empty: "there is no stream",
            [("STREAM", { $0.shown("stream") }), ("GROUPS", { $0.shown("groups") })],
            numbers: [1]
        )
    }

    private func listGroups(of stream: String) async throws {
        let groups = try await shared.list(
            "stream::list_groups",
            ["stream_name": .string(stream)],
            in: nil
        )
        shared.write(
            groups.map { group in
                JSONValue.object([
                    "stream": .string(stream), "group": .string(group.stringValue ?? ""),
                ]).text
            },
            empty: "stream \(stream.visible) has no group",
            [("STREAM", { $0.shown("stream") }), ("GROUP", { $0.shown("group") })]
        )
    }

    private func listItems(
        of stream: String,
        _ group: String,
        _ link: EngineLink
    ) async throws(SDKError) {
        let place: JSONObject = ["stream_name": .string(stream), "group_id": .string(group)]
        let columns: [ListArguments.Column] = [
            ("ITEM", { $0.shown("id") }), ("REVISION", { $0.shown("revision") }),
            ("VALUE", { $0.shown("value") }),
        ]
        let empty = "there is no item in group \(group.visible) of stream \(stream.visible)"
        do throws(SDKError) {
            let count = try await shared.writeEntries(
                link,
                "stream::entries",
                place,
                columns,
                numbers: [1],
                row: Self.item
            )
            if count == 0 { Terminal.note(empty) }
            return
        } catch {
            guard error.code == "STREAM_KEPT_BY_WORKER" else { throw error }
        }
        // A worker that keeps the items of a stream itself tells their values only.
        let values = try await link.ask("stream::list", place).elements ?? []
        shared.write(
            values.map { value in
                var line = JSONBuilder()
                line.beginObject()
                line.add("value", value)
                line.endObject()
                return line.finish()
            },
            empty: empty,
            columns,
            numbers: [1]
        )
    }

    /// An entry under the names that streams have for its parts.
    private static func item(_ entry: JSONText) -> JSONText {
        var line = JSONBuilder()
        line.beginObject()
        for (name, member) in [("id", "key"), ("value", "value"), ("revision", "revision")] {
            if let part = entry.member(member) { line.add(name, part) }
        }
        line.endObject()
        return line.finish()
    }
}

struct TailStream: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Print what is told to the subscribers of a group, one message a line.",
        discussion: """
            It goes on where a connection breaks off, without a gap, until it is stopped. Exits 3 \
            when the engine cannot be reached, 77 when it lets nobody in, or not this one.
            """
    )

    @Argument(help: "The stream.")
    var stream: String

    @Argument(help: "The group.")
    var group: String

    @Argument(help: "One item of the group; else all.")
    var item: String?

    @Option(help: "Begin behind this offset, not with what there is now.")
    var after: UInt64?

    @Option(name: .shortAndLong, help: "End after so many messages.")
    var count: Int?

    @Option(help: "The token that the engine asks for.")
    var token: String?

    @Option(help: "Where streams are, as ws://HOST:PORT; else III_STREAM_URL, or ask the engine.")
    var address: String?

    @Option(help: "The engine, as ws://HOST:PORT; else III_URL, else ws://127.0.0.1:49134.")
    var engine: String?

    @Flag(help: "Print JSON, one message a line; so it is where the output is no terminal.")
    var json = false

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count is at least 1") }
        guard address == nil || engine == nil else {
            throw ValidationError("--address says where streams are: no --engine is asked")
        }
    }

    func run() async throws {
        let isText = ReportFormat.choose(json: json) == .text
        var left = count ?? .max
        let address = try await StreamPlace(address: address, engine: engine).found()
        do {
            let listener = try StreamListener(
                stream,
                group,
                item: item,
                address: address,
                token: token
            )
            try await listener.listen(after: after) { news in
                let line = isText ? Self.text(news) : news.message.text
                Terminal.write("\(line)\n", to: .output)
                left -= 1
                return left > 0 && Terminal.takesOutput
            }
        } catch let error as SDKError {
            throw Failure(error)
        }
    }

    /// For people: what happened, to which item, what it brings, and where it is in the log.
    private static func text(_ news: StreamNews) -> String {
        let parts: [String?] = [
            Palette.output.bold(news.type.visible), news.item?.visible, news.data?.text.visible,
            news.offset.map { Palette.output.gray("offset \($0)") },
        ]
        return parts.compactMap { $0 }.joined(separator: "  ")
    }
}
