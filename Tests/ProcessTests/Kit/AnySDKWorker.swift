import Foundation
import Testing

/// The versions of the public SDK that are tested, oldest first; `scripts/test` makes their
/// environments.
enum SDKVersions {
    static let all = text(of: "\(Project.fixtures)/sdk-versions.txt")
        .split(separator: "\n").map(String.init)
}

/// `Fixtures/any_sdk.py` under a version of the SDK, seen by a client that speaks the bare wire.
struct AnySDKWorker {
    let engine: EngineProcess
    let process: PythonWorker
    let prefix: String
    private let functions: Int

    /// Starts it and does not wait: with a name of its own where it is one of several, and with
    /// so many functions beside those that the file names.
    init(
        sdk version: String,
        prefix: String = "any",
        name: String? = nil,
        functions: Int = 0,
        engine: EngineProcess
    ) throws {
        self.engine = engine
        self.prefix = prefix
        self.functions = functions + AnySDKWorker.named
        process = try PythonWorker(
            sdk: version,
            ["\(Project.fixtures)/any_sdk.py", prefix, "\(functions)"],
            label: name ?? prefix,
            environment: name.map { ["III_WORKER_NAME": $0] } ?? [:],
            engine: engine
        )
    }

    /// Functions that the file names.
    private static let named = 10

    /// Waits until all it registers is there, and checks that it is there once.
    func awaitReady(_ client: RawWorker) throws {
        try eventually("all of \(prefix) is registered", within: 90) { () -> Void? in
            try process.check()
            let triggers = try triggerTypes(client)
            let found = try functionCount(client)
            return triggers.count >= 2 && found >= functions ? () : nil
        }
        #expect(try triggerTypes(client) == ["http", "queue"])
        #expect(try functionCount(client) == functions)
    }

    /// The types of its triggers, sorted.
    func triggerTypes(_ client: RawWorker) throws -> [String] {
        try rows("registered_triggers", client, "engine::registered-triggers::list")
            .map { $0["trigger_type"] as? String ?? "" }.sorted()
    }

    func functionCount(_ client: RawWorker) throws -> Int {
        try rows("functions", client, "engine::functions::list").count
    }

    private func rows(
        _ key: String,
        _ client: RawWorker,
        _ list: String
    ) throws -> [Envelope] {
        let reply = try client.ask(list, [:])
        let result = try #require(reply["result"] as? Envelope, "\(JSON.text(reply))")
        let all = result[key] as? [Envelope] ?? []
        return all.filter { ($0["function_id"] as? String)?.hasPrefix("\(prefix)::") == true }
    }

    /// Calls one of its functions.
    func ask(_ client: RawWorker, _ function: String, _ data: Any = [:]) throws -> Envelope {
        try client.ask("\(prefix)::\(function)", data)
    }

    /// Lets it call: `{"value": …}`, or `{"error": text}` with the code in it.
    func asks(
        _ client: RawWorker,
        _ function: String,
        _ payload: Any,
        action: String? = nil,
        measured: Bool = false
    ) throws -> Envelope {
        var call: Envelope = ["function_id": function, "payload": payload, "measure": measured]
        call["action"] = action
        let reply = try ask(client, "ask", call)
        return try #require(reply["result"] as? Envelope, "\(JSON.text(reply))")
    }
}
