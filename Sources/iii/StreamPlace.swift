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
        return ListenerAddress.address(told, seenFrom: engine)
    }

    /// The value of a variable; nil where it is not set, or empty.
    private static func variable(_ name: String) -> String? {
        let value = Terminal.variable(name, "")
        return value.isEmpty ? nil : value
    }
}
