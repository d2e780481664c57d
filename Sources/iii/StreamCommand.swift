import ArgumentParser
import CommandLineKit
import IIISDK
import JSON

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

    @Option(
        name: [.customLong("address"), .customLong("engine")],
        help: "The engine, as ws://HOST:PORT; else III_URL, else ws://127.0.0.1:49134."
    )
    var address: String?

    func run() async throws {
        var options = WorkerOptions()
        options.address = address
        options.connectTimeout = .seconds(2)
        options.drainTimeout = .seconds(2)
        do throws(SDKError) {
            let worker = try await Worker.connect("iii-cli:stream", options: options)
            let lines: [String]
            do throws(SDKError) {
                lines = try await list(worker)
            } catch {
                await worker.close()
                throw error
            }
            await worker.close()
            for line in lines { Terminal.write("\(line)\n", to: .output) }
        } catch {
            throw Failure(error)
        }
    }

    private struct Everything: Decodable {
        struct Stream: Decodable {
            let id: String
            let groups: [String]
        }
        let stream: [Stream]
    }

    private func list(_ worker: Worker) async throws(SDKError) -> [String] {
        guard let stream else {
            let all: Everything = try await worker.call("stream::list_all", [String: String]())
            return all.stream.map { stream in
                var line = JSONLine()
                line.add("stream", stream.id)
                line.add("groups", stream.groups.count)
                return line.description
            }
        }
        guard let group else {
            let groups: [String] = try await worker.call(
                "stream::list_groups",
                ["stream_name": stream]
            )
            return groups.map { group in
                var line = JSONLine()
                line.add("stream", stream)
                line.add("group", group)
                return line.description
            }
        }
        var input = JSONLine()
        input.add("stream_name", stream)
        input.add("group_id", group)
        let items = try await worker.call(raw: "stream::list", RawJSON(input.description))
        return JSONText(trusted: (items ?? .null).bytes).elements?.map(\.description) ?? []
    }
}

struct TailStream: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Print what is told to the subscribers of a group, one message a line.",
        discussion: "It goes on where a connection breaks off, without a gap, until it is stopped."
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

    @Option(
        help: "Where streams are, as ws://HOST:PORT; else III_STREAM_URL, else ws://127.0.0.1:3112."
    )
    var address: String?

    func run() async throws {
        var left = count ?? .max
        do {
            let listener = try StreamListener(
                stream,
                group,
                item: item,
                address: address,
                token: token
            )
            try await listener.listen(after: after) { news in
                Terminal.write("\(news.message.text)\n", to: .output)
                left -= 1
                return left > 0
            }
        } catch let error as SDKError {
            throw Failure(error)
        }
    }
}
