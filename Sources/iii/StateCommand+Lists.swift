import ArgumentParser
import CommandLineKit
import IIISDK
import JSON
import Primitives

struct StateList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List the scopes, or the entries of one."
    )

    @Argument(help: "The scope.")
    var scope: String?

    @Argument(help: "What the keys begin with.")
    var prefix: String?

    @OptionGroup var shared: ListArguments

    func run() async throws {
        guard let scope else { return try await listScopes() }
        let input: JSONObject = ["scope": .string(scope), "prefix": .string(prefix ?? "")]
        let count = try await shared.engine.connected { (link) async throws(SDKError) in
            try await shared.writeEntries(
                link,
                "state::entries",
                input,
                [
                    ("KEY", { $0.shown("key") }), ("REVISION", { $0.shown("revision") }),
                    ("VALUE", { $0.shown("value") }),
                ],
                numbers: [1]
            )
        }
        let beginning = prefix.map { " that begins with \($0.visible)" } ?? ""
        if count == 0 { Terminal.note("there is no key in scope \(scope.visible)\(beginning)") }
    }

    private func listScopes() async throws {
        let scopes = try await shared.list("state::list_groups", in: "groups")
        shared.write(
            scopes.map { scope in
                JSONValue.object(["scope": .string(scope.stringValue ?? "")]).text
            },
            empty: "the state is empty",
            [("SCOPE", { $0.shown("scope") })]
        )
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

    @OptionGroup var shared: ListArguments

    func validate() throws { try PageLength.check(limit, of: "--limit") }

    func run() async throws {
        var input = place.input
        input.key("limit")
        input.integer(limit)
        if let before {
            input.key("before")
            input.integer(before)
        }
        input.endObject()
        let answer = try await shared.engine.call("state::history", input)
        shared.write(
            answer?.member("entries")?.elements ?? [],
            empty: "no write of \(place.scope.visible)/\(place.key.visible) is known",
            [
                ("REVISION", { $0.shown("revision") }), ("TIME", { $0.shown("time") }),
                ("KIND", { $0.shown("kind") }), ("FUNCTION", { $0.shown("function") }),
                ("VALUE", { $0.shown("value") }),
            ],
            numbers: [0]
        )
    }
}
