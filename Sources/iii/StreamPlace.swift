import ArgumentParser
import CommandLineKit
import IIISDK
import JSON

/// Where the streams of an engine are: where that was said, else where the engine says.
struct StreamPlace {
    /// Of streams, as ws://HOST:PORT; nil: `III_STREAM_URL`, unless an engine is named.
    let address: String?
    /// Nil: `III_URL`, else the one of this machine.
    let engine: String?

    /// - Throws: that the engine cannot be asked, or does not tell.
    func found() async throws(Failure) -> String {
        if let address { return address }
        if engine == nil, let named = Self.variable("III_STREAM_URL") { return named }
        let engine = engine ?? Self.variable("III_URL") ?? "ws://127.0.0.1:49134"
        var arguments = EngineArguments()
        arguments.address = engine
        let module = try await arguments.connected { (link) async throws(SDKError) in
            try await link.ask("engine::workers::info", ["name": .string("iii-stream")])
        }
        guard let told = module.member("worker")?.member("address")?.stringValue else {
            throw Failure(
                .unreachable,
                code: "cannot_connect",
                "the engine at \(engine) does not say where its streams are; name that with --address"
            )
        }
        return Self.address(told, seenFrom: engine)
    }

    /// `told` is where the engine listens on its own machine: what stands for all of its addresses
    /// there, or for that machine, is here whatever leads to the engine. A token of `engine` goes
    /// along.
    static func address(_ told: String, seenFrom engine: String) -> String {
        let rest = engine.dropFirst("ws://".count)
        let authority = rest.prefix { !"/?#".contains($0) }
        let (host, port) = split(Substring(told))
        let isGeneral = ["0.0.0.0", "[::]", "127.0.0.1", "[::1]", "localhost"].contains(host)
        let reachable = isGeneral ? split(authority).host : host
        return "ws://\(reachable):\(port)\(rest.dropFirst(authority.count))"
    }

    /// `HOST:PORT`; the port is empty where there is none.
    private static func split(_ authority: Substring) -> (host: Substring, port: Substring) {
        guard let colon = authority.lastIndex(of: ":"), authority.last != "]" else {
            return (authority, "")
        }
        return (authority[..<colon], authority[colon...].dropFirst())
    }

    /// The value of a variable; nil where it is not set, or empty.
    private static func variable(_ name: String) -> String? {
        let value = Terminal.variable(name, "")
        return value.isEmpty ? nil : value
    }
}
