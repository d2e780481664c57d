import Foundation
import Testing

extension Programs {
    /// The YAML form that users of iii have (services 1, E.1), with a real engine.
    @Suite("A list of workers as the configuration")
    struct WorkersFileTests {
        let scratch: Scratch

        init() throws { scratch = try Scratch() }
    }
}

extension Programs.WorkersFileTests {
    /// As it is shipped elsewhere, with adapters, and with the names of before.
    private static let sample = """
        # ${IGNORED:in a comment, too}
        registration_namespace_grace_ms: 100
        workers:
          - name: iii-worker-manager
          - name: http
            config:
              default_timeout: ${TIMEOUT:300}
              concurrency_request_limit: 0
              cors:
                allowed_origins: ["https://${HOST}:8443"]
                allowed_methods: [GET]
              middleware:
                - function_id: gate
          - name: iii-state
            config:
              adapter:
                name: kv
                config: {store_method: file_based, file_path: ./kv, save_interval_ms: 5000}
              max_value_bytes: 5
              triggers_enabled: false
          - name: cron
            config: {adapter: {name: kv, config: {lock_ttl_ms: 30000}}}
          - name: iii-pubsub
            config: {adapter: {name: local}}
          - name: iii-stream
            config:
              auth_function: auth
              adapter: {name: redis, config: {redis_url: "${URL:redis://h:6379}"}}
          - name: configuration
            config: {ttl_seconds: 0}
        modules:
          - class: modules::queue::QueueModule
            config: {queue_configs: {mails: {type: fifo, message_group_field: to}}}
        """

    @Test("E.1: what it says holds, its variables are replaced, and the file stays as it was")
    func read() throws {
        let file = try scratch.write("config.yaml", Self.sample)
        let engine = EngineProcess(in: scratch, ["--config", file])
        engine.environment = ["HOST": "a.example"]
        try engine.start()
        let worker = try RawWorker.ready(engine, functions: ["f", "gate"])
        for step in [
            WireStep(
                "state::set",
                #"{"scope":"s","key":"k","value":"1234"}"#,
                "VALUE_TOO_LARGE"
            ),
            WireStep(
                "state::set",
                #"{"scope":"s","key":"k","value":123}"#,
                #"{"old_value":null,"new_value":123}"#
            ),
            WireStep("publish", #"{"topic":"t","data":1}"#, WireStep.none),
        ] { try step.check(worker) }
        let mail = try worker.ask("f", ["n": 1], action: ["type": "enqueue", "queue": "mails"])
        #expect(message(of: mail).contains("to"), "\(JSON.text(mail))")

        try worker.route("GET", "r", to: "f")
        let peer = try HTTPPeer(port: engine.httpPort)
        try peer.request("GET", "/r", ["Origin: https://a.example:8443"])
        try worker.answer(try worker.dispatch("gate"), ["action": "continue"])
        let late = try worker.dispatch("f")
        // After the 300 ms of the default.
        #expect(try peer.response().status == 504)
        try worker.answer(late, NSNull())
        let check = try peer.ask("OPTIONS", "/r", ["Origin: https://a.example:8443"])
        #expect(check["access-control-allow-origin"] == "https://a.example:8443")
        #expect(check["access-control-allow-methods"] == "GET")
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
        #expect(text(of: file) == Self.sample)
        for part in ["iii-state.adapter has no effect", "cron.adapter has no effect"] {
            #expect(engine.errors.contains(part), "\(engine.errors)")
        }
    }

    @Test(
        "E.1: what is wrong in it is told with its line, and nothing starts",
        arguments: [
            ("port: 49134", "config.yaml:1: unknown key \"port\""),
            ("workers:\n  - name: iii-http\n    config: {prot: 1}", "config.yaml:3: unknown key"),
            (
                "workers:\n  - name: iii-state\n    config: {cors: {}}",
                "config.yaml:3: unknown key"
            ),
            ("workers:\n  - name: iii-cron\n  - name: cron", "are the same worker"),
            ("workers:\n  - name: cron\n    image: x", "takes no image"),
            ("workers:\n  - config: {}", "needs \"name\""),
            ("workers: [] # ${UNSET}", "config.yaml:1"), ("workers: [", "not valid YAML"),
        ]
    )
    func refused(yaml: String, part: String) throws {
        let file = try scratch.write("config.yaml", yaml)
        let outcome = try EngineProcess(in: scratch, ["--config", file]).refused()
        #expect(outcome.ending == .exit(78), "\(outcome.all)")
        #expect(outcome.errors.contains(part), "\(outcome.all)")
        #expect(!FileManager.default.fileExists(atPath: scratch("data")))
    }
}
