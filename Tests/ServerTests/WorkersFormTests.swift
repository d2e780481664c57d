import HTTP
import NetServer
import Primitives
import Testing

@testable import Server

@Suite("The workers: form of a configuration")
struct WorkersFormTests {
    private static let sample = """
        registration_namespace_grace_ms: 2500
        workers:
          - name: iii-worker-manager
            config:
              host: 127.0.0.1
              port: ${WORKER_PORT:49199}
              handshake_timeout_ms: 10000
          - name: iii-http
            config:
              port: 3199
              host: ::1
              default_timeout: 45000
              concurrency_request_limit: 7
              cors:
                allowed_origins: ["*"]
          - name: iii-queue
            config:
              adapter:
                name: builtin
                config: { store_method: file_based, file_path: ./data/q }
              queue_configs:
                default: {}
                invoices:
                  type: fifo
                  message_group_field: account
                  max_retries: 5
                  concurrency: 4
                  backoff_ms: 500
                  poll_interval_ms: 50
          - name: iii-cron
          - name: iii-state
            config: { max_value_bytes: 4096 }
          - name: iii-stream
            config: { port: 3200, auth_function: "me::auth", adapter: { name: kv } }
          - name: iii-observability
            config: { enabled: false, logs_enabled: false }
          - name: iii-telemetry
          - name: iii-pubsub
          - name: todo-worker
        """

    @Test("the list that users have becomes the same configuration")
    func translated() throws {
        let workspace = try Workspace(["config.yaml": Self.sample])
        let loaded = try workspace.load()
        var expected = Configuration()
        expected.engine.address = ListenAddress(host: "127.0.0.1", port: 49199)
        expected.engine.data = "\(workspace.path)/data"
        expected.engine.registrationNamespaceGrace = .milliseconds(2500)
        expected.http.address = ListenAddress(host: "::1", port: 3199)
        expected.http.timeout = .seconds(45)
        expected.http.cors = CORS.Rules(origins: ["*"])
        expected.http.concurrency = 7
        expected.stream.address = ListenAddress(host: "127.0.0.1", port: 3200)
        expected.stream.authFunction = "me::auth"
        var invoices = Configuration.FunctionQueue()
        invoices.type = .fifo
        invoices.messageGroupField = "account"
        invoices.maxRetries = 5
        invoices.concurrency = 4
        invoices.backoff = .milliseconds(500)
        expected.queue.queues["invoices"] = invoices
        expected.state.maxValueBytes = 4096
        expected.observability.logging = false
        expected.observability.tracing = false
        #expect(loaded.configuration == expected)
        #expect(
            loaded.warnings.map(\.description) == [
                "config.yaml:18: iii-queue.adapter has no effect in this engine",
                "config.yaml:29: iii-queue.queue_configs.invoices.poll_interval_ms has no effect"
                    + " in this engine",
                "config.yaml:34: iii-stream.adapter has no effect in this engine",
                "config.yaml:39: worker \"todo-worker\" is not built in and is not started",
            ]
        )
    }

    @Test("modules: with a class is read as well")
    func modules() throws {
        let text = """
            modules:
              - class: modules::queue::QueueModule
                config:
                  queue_configs: { mails: { concurrency: 2 } }
              - class: modules::api::RestApiModule
                config: { port: 3113, host: 0.0.0.0 }
            """
        let found = try Workspace(["config.yaml": text]).load().configuration
        #expect(found.queue.queues["mails"]?.concurrency == 2)
        #expect(found.http.address.description == "0.0.0.0:3113")
    }

    @Test("sections of the TOML form may stand beside the list, and flags above it")
    func mixed() throws {
        let text = """
            engine: { durability: "interval:10ms" }
            workers:
              - name: http
                config: { port: 1 }
            """
        let workspace = try Workspace(["config.yaml": text])
        let found = try workspace.load(set: ["http.timeout=1s"]).configuration
        #expect(found.engine.durability == .interval(.milliseconds(10)))
        #expect(found.http.address.port == 1)
        #expect(found.http.timeout == .seconds(1))
    }

    @Test(
        "an empty file, and one with empty lists, are all defaults",
        arguments: ["", "workers:", "workers: []", "# none\n"]
    )
    func empty(text: String) throws {
        let workspace = try Workspace(["config.yaml": text])
        #expect(try workspace.load().configuration.http == Configuration.HTTP())
    }

    @Test("what is optional may be left empty")
    func optional() throws {
        let text = """
            workers:
              - name: iii-worker-manager
                config: { middleware_function_id: null }
              - name: iii-state
                config:
                  max_value_bytes:
              - name: iii-stream
                config:
                  auth_function: ${AUTH:}
            """
        let found = try Workspace(["config.yaml": text]).load().configuration
        #expect(found.engine.access.middleware == nil)
        #expect(found.state.maxValueBytes == nil)
        #expect(found.stream.authFunction == nil)
    }

    @Test("E.1: the commands of exec become one process, whose last one takes the shell's place")
    func exec() throws {
        let text = """
            workers:
              - name: iii-exec
                config: { exec: ["npm run build", "node main.js # go"], watch: ["src/**/*.js"] }
            """
        let workspace = try Workspace(["config.yaml": text])
        let found = try #require(try workspace.load().configuration.exec.first)
        #expect(found.name == "iii-exec")
        let shell = ["sh", "-c", "(npm run build\n) && exec sh -c \"$0\"", "node main.js # go"]
        #expect(found.command == shell)
        #expect(found.watch == ["src/**/*.js"])
        #expect(found.restart == .never)
        #expect(found.inheritEnvironment == ["*"])
        #expect(found.directory == workspace.path)
    }

    @Test("E.1: exec must name commands")
    func execWithoutCommands() throws {
        let text = "workers:\n  - name: iii-exec\n    config: { watch: [] }"
        #expect(
            try refusals(["config.yaml": text]) == [
                "config.yaml:3: iii-exec needs \"exec\", a list of commands"
            ]
        )
    }

    @Test(
        "one wrong line of config.yaml",
        arguments: [
            (
                "port: 49134",
                "config.yaml:1: unknown key \"port\" at the top level; allowed: workers, modules,"
                    + " registration_namespace_grace_ms, engine, http, stream, queue, cron, state,"
                    + " configuration, observability, log, security, http_functions,"
                    + " worker_listener, exec"
            ),
            (
                "worker: []",
                "config.yaml:1: unknown key \"worker\" at the top level; did you mean \"workers\"?"
            ),
            (
                "workers:\n  - name: iii-queue\n    config:\n      queue_configs:\n"
                    + "        default:\n          concurency: 4",
                "config.yaml:6: unknown key \"concurency\" in [iii-queue.queue_configs.default];"
                    + " did you mean \"concurrency\"?"
            ),
            (
                "workers:\n  - name: iii-queue\n    config:\n      queue_configs:\n"
                    + "        default:\n          backoff_ms: 1s",
                "config.yaml:6: iii-queue.queue_configs.default.backoff_ms must be a whole number"
                    + " of milliseconds, is \"1s\""
            ),
            (
                "workers:\n  - name: queue\n    config:\n      queue_configs:\n"
                    + "        q: {type: fifo}",
                "config.yaml:5: queue.queue_configs.q has type \"fifo\" and needs"
                    + " message_group_field: the top-level key of the payload that names a"
                    + " message's group"
            ),
            (
                "workers:\n  - name: iii-http\n    config:\n      port: 70000",
                "config.yaml:4: iii-http.port must be an integer from 0 to 65535, is 70000"
            ),
            (
                "workers:\n  - name: iii-http\n    config:\n      host: 0.0.0.0:80",
                "config.yaml:4: iii-http.host must be a host name or address, is \"0.0.0.0:80\""
            ),
            (
                "workers:\n  - name: iii-htpp",
                "config.yaml:2: unknown worker \"iii-htpp\"; did you mean \"iii-http\"?"
            ),
            (
                "workers:\n  - name: iii-http\n  - name: http",
                "config.yaml:3: http and iii-http at config.yaml:2 are the same worker"
            ),
            (
                "workers:\n  - nam: iii-http\n    name: iii-cron",
                "config.yaml:2: unknown key \"nam\" in [workers[0]]; did you mean \"name\"?"
            ),
            ("workers:\n  - config: {}", "config.yaml:2: workers[0] needs \"name\""),
            (
                "workers:\n  - iii-http",
                "config.yaml:2: workers[0] must be a table with a name, is \"iii-http\""
            ),
            ("workers: 5", "config.yaml:1: workers must be a list of workers, is 5"),
            (
                "workers:\n  - name: iii-http\n    image: x",
                "config.yaml:3: iii-http is built in and takes no image"
            ),
            (
                "http: {address: \"h:1\"}\nworkers:\n  - name: iii-http\n    config: {port: 2}",
                "config.yaml:4: iii-http.port is set already by http.address at config.yaml:1"
            ),
            ("[]", "config.yaml:1: the file must be a table, is an empty list"),
        ]
    )
    func refused(text: String, message: String) throws {
        #expect(try refusals(["config.yaml": text]) == [message])
    }

    @Test("a text that is not YAML is refused with its line")
    func syntax() throws {
        let cases = [
            ("workers:\n  - name: [", 2), ("a: 1\n\tb: 2", 2), ("a: 1\nb: 2\na: 3", 0),
        ]
        for (text, line) in cases {
            let messages = try refusals(["config.yaml": text])
            let prefix = line == 0 ? "config.yaml:" : "config.yaml:\(line):"
            #expect(messages.first?.hasPrefix(prefix) == true, "\(text): \(messages)")
            #expect(messages.first?.contains("not valid YAML: ") == true, "\(messages)")
        }
    }

    @Test("aliases cannot blow a small file up")
    func aliases() throws {
        var text = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n"
        for level in 1...5 {
            let references = Array(repeating: "*a\(level - 1)", count: 10)
            text += "a\(level): &a\(level) [\(references.joined(separator: ","))]\n"
        }
        #expect(
            try refusals(["config.yaml": text]) == [
                "config.yaml: not valid YAML: it unfolds to more than 100000 values"
            ]
        )
    }
}
