import HTTP
import JSON
import NetServer
import Primitives
import Testing

@testable import Server

@Suite("Loading a configuration")
struct ConfigurationLoadTests {
    @Test("without any source the defaults hold, and data lies in the working directory")
    func defaults() throws {
        let workspace = try Workspace()
        let loaded = try workspace.load()
        var expected = Configuration()
        expected.engine.data = "\(workspace.path)/data"
        #expect(loaded.configuration == expected)
        #expect(loaded.file == nil)
        #expect(loaded.warnings.isEmpty)
        #expect(loaded.effective.allSatisfy { $0.place == nil })
        #expect(expected.queue.queues["default"]?.concurrency == 10)
        #expect(expected.engine.address.description == "127.0.0.1:49134")
    }

    @Test("the first configuration file that anyone saw loads as it stands")
    func firstFile() throws {
        let text = """
            # iii.toml - Engine configuration with observability
            [engine]
            address = "0.0.0.0:8080"
            [observability]
            logging = true
            tracing = true
            dashboard = true
            dashboard_port = 9090
            """
        let found = try configuration(toml: text)
        #expect(found.engine.address == ListenAddress(host: "0.0.0.0", port: 8080))
        #expect(!found.engine.address.isLoopback)
        #expect(found.observability == Configuration.Observability())
        #expect(found.observability.dashboardAddress.description == "127.0.0.1:9090")
    }

    @Test("every key of iii.toml is read")
    func everyKey() throws {
        let workspace = try Workspace(["iii.toml": Self.full])
        let found = try workspace.load().configuration
        var expected = Configuration()
        expected.engine.address = ListenAddress(host: "::1", port: 1)
        expected.engine.data = "/var/lib/iii"
        expected.engine.durability = .interval(.milliseconds(50))
        expected.engine.duplicateFunctions = .reject
        expected.engine.registrationNamespaceGrace = .seconds(1)
        expected.engine.observe = false
        expected.engine.invocationTimeout = .seconds(120)
        expected.queue.lease = .seconds(3600)
        expected.http.address = ListenAddress(host: "localhost", port: 2)
        expected.http.timeout = .seconds(60)
        expected.http.bodyLimit = 1024
        expected.http.middleware = [
            Configuration.Middleware(function: "auth", priority: -1),
            Configuration.Middleware(function: "late", phase: "onResponse"),
        ]
        expected.http.middlewareTimeout = .seconds(2)
        expected.http.cors = CORS.Rules(origins: ["https://a.example"], methods: ["GET", "PUT"])
        expected.http.concurrency = 3
        expected.http.reconnectGrace = .seconds(20)
        expected.http.redactHeaders = ["x-session"]
        expected.http.idempotencyExpiry = .seconds(7200)
        expected.http.idempotencyKeys = 9
        expected.http.bodyMemory = 2 << 20
        expected.http.headerLimit = 2048
        expected.http.headerCount = 20
        expected.http.headerTimeout = .seconds(3)
        expected.http.bodyTimeout = .seconds(4)
        expected.http.idleTimeout = .seconds(5)
        expected.http.maxConnections = 6
        expected.http.tlsCertificate = "/tls/a.pem"
        expected.http.tlsKey = "/tls/a.key"
        expected.stream.address = ListenAddress(host: "127.0.0.1", port: 3)
        var mails = Configuration.FunctionQueue()
        mails.concurrency = 4
        mails.maxRetries = 0
        mails.backoff = .milliseconds(500)
        mails.type = .fifo
        mails.messageGroupField = "account"
        expected.queue.queues["my.mails"] = mails
        expected.state.maxValueBytes = 65_536
        expected.observability.logging = false
        expected.observability.tracing = false
        expected.observability.dashboard = false
        expected.observability.dashboardAddress = ListenAddress(host: "h", port: 4)
        expected.observability.dashboardHosts = ["iii.example.com"]
        expected.observability.dashboardReadOnly = true
        expected.log.io = .plain
        expected.log.segmentBytes = 1 << 20
        expected.log.retention = .seconds(7 * 86_400)
        expected.log.retentionBytes = 10 << 30
        expected.log.compression = .none
        expected.security.token = "secret"
        expected.exec = [Self.process(in: workspace.path)]
        #expect(found == expected)
    }

    private static func process(in directory: String) -> Configuration.Exec {
        var hello = Configuration.Exec()
        hello.name = "hello"
        hello.command = ["python3", "worker.py"]
        hello.directory = directory + "/app"
        hello.environment = ["MODE": "test"]
        hello.inheritEnvironment = ["AWS_*"]
        hello.restart = .onFailure
        hello.watch = ["src/**/*.py"]
        hello.stopTimeout = .seconds(10)
        return hello
    }

    private static let full = """
        [engine]
        address = "[::1]:1"
        data = "/var/lib/iii"
        durability = "interval:50ms"
        duplicate_functions = "reject"
        registration_namespace_grace = "1s"
        observe = false
        invocation_timeout = "2m"

        [http]
        address = "localhost:2"
        timeout = "1m"
        body_limit = 1024
        middleware = [{ function_id = "auth", priority = -1 }, \
        { function_id = "late", phase = "onResponse" }]
        middleware_timeout = "2s"
        cors = { allowed_origins = ["https://a.example"], allowed_methods = ["GET", "PUT"] }
        concurrency_request_limit = 3
        reconnect_grace = "20s"
        idempotency_expiry = "2h"
        idempotency_keys = 9
        redact_headers = ["X-Session"]
        body_memory = "2MiB"
        header_limit = 2048
        header_count = 20
        header_timeout = "3s"
        body_timeout = "4s"
        idle_timeout = "5s"
        max_connections = 6
        tls_certificate = "/tls/a.pem"
        tls_key = "/tls/a.key"

        [stream]
        address = "127.0.0.1:3"

        [queue]
        lease = "1h"

        [queue.queues]
        "my.mails" = { concurrency = 4, max_retries = 0, backoff = "500ms", \
        type = "fifo", message_group_field = "account" }

        [cron]
        timezone = "UTC"

        [state]
        max_value_bytes = "64KiB"

        [observability]
        logging = false
        tracing = false
        dashboard = false
        dashboard_address = "h:4"
        dashboard_hosts = ["iii.example.com"]
        dashboard_read_only = true

        [log]
        io = "plain"
        segment_bytes = "1MiB"
        retention = "7d"
        retention_bytes = "10GiB"
        compression = "none"

        [security]
        token = "secret"

        [[exec]]
        name = "hello"
        command = ["python3", "worker.py"]
        directory = "app"
        env = { MODE = "test" }
        inherit_env = ["AWS_*"]
        restart = "on-failure"
        watch = ["src/**/*.py"]
        stop_timeout = "10s"
        """

    @Test("a flag wins over a variable, a variable over the file, the file over the default")
    func precedence() throws {
        let workspace = try Workspace(["iii.toml": "[http]\ntimeout = \"1s\""])
        let variables = ["III_HTTP__TIMEOUT": "2s"]
        let timeout = { (loaded: Configuration.Loaded) in
            loaded.configuration.http.timeout.milliseconds
        }
        #expect(try timeout(Workspace().load()) == 30_000)
        #expect(try timeout(workspace.load()) == 1000)
        #expect(try timeout(workspace.load(environment: variables)) == 2000)
        let flags = ["http.timeout=3s", "http.timeout=4s"]
        let loaded = try workspace.load(set: flags, environment: variables)
        #expect(timeout(loaded) == 4000)
        #expect(
            loaded.effective.first { $0.key == "http.timeout" }
                == Configuration.EffectiveSetting(
                    key: "http.timeout",
                    value: "\"4s\"",
                    place: .flag("--set http.timeout")
                )
        )
    }

    @Test("iii.toml is read before config.yaml, and --config before both")
    func whichFile() throws {
        let workspace = try Workspace(["config.yaml": "http: {address: \"h:1\"}"])
        #expect(try workspace.load().configuration.http.address.port == 1)
        #expect(try workspace.load().file == "config.yaml")
        try workspace.write("iii.toml", "http.address = \"h:2\"")
        #expect(try workspace.load().configuration.http.address.port == 2)
        try workspace.write("other.toml", "http.address = \"h:3\"")
        #expect(try workspace.load(file: "other.toml").configuration.http.address.port == 3)
        let absolute = "\(workspace.path)/other.toml"
        #expect(try workspace.load(file: absolute).configuration.http.address.port == 3)
    }

    @Test("paths start at the file's directory; those of flags and variables at the shell's")
    func paths() throws {
        let text = "[engine]\ndata = \"./store\"\n[security]\ntoken_file = \"token\""
        let workspace = try Workspace(["sub/iii.toml": text])
        let file = "sub/iii.toml"
        let data = { (loaded: Configuration.Loaded) in loaded.configuration.engine.data }
        let base = workspace.path

        #expect(try data(workspace.load(file: file)) == "\(base)/sub/store")
        let token = try workspace.load(file: file).configuration.security.tokenFile
        #expect(token == "\(base)/sub/token")
        #expect(try data(workspace.load(file: file, data: "d")) == "\(base)/d")
        #expect(try data(workspace.load(file: file, set: ["engine.data=d"])) == "\(base)/d")
        let variables = ["III_ENGINE__DATA": "d"]
        #expect(try data(workspace.load(file: file, environment: variables)) == "\(base)/d")
        #expect(try data(workspace.load(file: file, data: "/d")) == "/d")

        try workspace.write("sub/iii.toml", "")
        #expect(try data(workspace.load(file: file)) == "\(base)/sub/data")
    }

    @Test("--data wins over --set")
    func dataFlag() throws {
        let loaded = try Workspace().load(set: ["engine.data=/a"], data: "/b")
        #expect(loaded.configuration.engine.data == "/b")
    }

    @Test("flags and variables reach every kind of value")
    func untyped() throws {
        let loaded = try Workspace().load(
            set: [
                "log.io=\"plain\"", "queue.queues.\"a.b\".concurrency=3",
                "observability.logging=false", "http.body_limit=2048", "security.token=a=b",
            ],
            environment: ["III_QUEUE__QUEUES__DEFAULT__BACKOFF": "2s", "III_URL": "ws://h"]
        )
        let found = loaded.configuration
        #expect(found.log.io == .plain)
        #expect(found.queue.queues["a.b"]?.concurrency == 3)
        #expect(found.queue.queues["default"]?.backoff == .seconds(2))
        #expect(!found.observability.logging)
        #expect(found.http.bodyLimit == 2048)
        #expect(found.security.token == "a=b")
    }

    @Test("a variable means a queue of the file in whatever case, and a secret is no setting")
    func variableNames() throws {
        let text = "[queue.queues.Mails]\nconcurrency = 2"
        let variables = [
            "III_QUEUE__QUEUES__MAILS__CONCURRENCY": "7", "III_SECRET_STRIPE__KEY": "k",
        ]
        let found = try Workspace(["iii.toml": text]).load(environment: variables).configuration
        #expect(found.queue.queues["Mails"]?.concurrency == 7)
        #expect(found.queue.queues.keys.sorted() == ["Mails", "default"])
    }

    @Test("where the working directory is gone, what is relative to it is nowhere")
    func goneDirectory() throws {
        func errors(_ change: (inout Configuration.Sources) -> Void) throws -> [String] {
            var sources = Configuration.Sources(environment: [:], workingDirectory: nil)
            change(&sources)
            do throws(ConfigurationErrors) {
                _ = try Configuration.load(from: sources, version: "1.2.3")
                return []
            } catch {
                return error.errors.map(\.description)
            }
        }
        #expect(try errors { $0.data = "/d" } == [])
        #expect(try errors { $0.data = "d" }.first?.contains("is gone") == true)
        #expect(try errors { _ in }.first?.contains("\"data\" is nowhere") == true)
        let file = try errors {
            $0.data = "/d"
            $0.file = "iii.toml"
        }
        #expect(file.first?.contains("cannot be read") == true)
        let command = try errors {
            $0.data = "/d"
            $0.command = ["x"]
        }
        #expect(command.count == 1)
    }

    @Test("a variable and a flag take the place of a list of the file")
    func lists() throws {
        let workspace = try Workspace(["iii.toml": "[stream]\norigins = [\"https://a.example\"]"])
        let variables = ["III_STREAM__ORIGINS": "https://b.example,https://c.example"]
        var found = try workspace.load(environment: variables).configuration
        #expect(found.stream.origins == ["https://b.example", "https://c.example"])
        found = try workspace.load(set: ["stream.origins=*"], environment: variables).configuration
        #expect(found.stream.origins == ["*"])
        // As errors show it, and as it is shown.
        let list = "stream.origins=[\"https://d.example\", \"*\"]"
        found = try workspace.load(set: [list], environment: variables).configuration
        #expect(found.stream.origins == ["https://d.example", "*"])
        for wrong in ["[1", "[true]", "[\"x\"]"] {
            #expect(try refusals([:], set: ["stream.origins=\(wrong)"]).count == 1, "\(wrong)")
        }
    }

    @Test("a number is text where text is asked for")
    func untypedText() throws {
        let found = try Workspace().load(set: ["security.token=12345"]).configuration
        #expect(found.security.token == "12345")
    }

    @Test("a flag replaces the file's other way to say the same thing")
    func rivals() throws {
        let text = "[observability]\ndashboard_port = 1\n[security]\ntoken = \"t\""
        let flags = ["observability.dashboard_address=[::1]:2", "security.token_file=/f"]
        let found = try Workspace(["iii.toml": text]).load(set: flags).configuration
        #expect(found.observability.dashboardAddress.description == "[::1]:2")
        #expect(found.security.token == nil)
        #expect(found.security.tokenFile == "/f")
    }

    @Test("a token is never shown")
    func secrets() throws {
        let loaded = try Workspace().load(set: ["security.token=hidden"])
        #expect(loaded.effective.first { $0.key == "security.token" }?.value == "\"***\"")
    }

    @Test("of the variables of a worker process only the names are shown")
    func variables() throws {
        let text = "[[exec]]\nname = \"a\"\ncommand = [\"b\"]\nenv = { KEY = \"hidden\" }"
        let loaded = try Workspace(["iii.toml": text]).load()
        #expect(
            loaded.effective.first { $0.key == "exec[0].env" }?.value == #"{ "KEY" = "***" }"#
        )
    }

    @Test("a command line adds a worker process beside those of the file")
    func command() throws {
        let text = "[[exec]]\nname = \"worker\"\ncommand = [\"b\"]"
        let workspace = try Workspace(["sub/iii.toml": text])
        var sources = Configuration.Sources(environment: [:], workingDirectory: workspace.path)
        sources.file = "sub/iii.toml"
        sources.command = ["python3", "-x"]
        let found = try Configuration.load(from: sources, version: "1.2.3").configuration.exec
        #expect(found.map(\.name) == ["worker", "worker'"])
        #expect(found.map(\.command) == [["b"], ["python3", "-x"]])
        #expect(found.map(\.directory) == ["\(workspace.path)/sub", workspace.path])
        #expect(found.map(\.inheritEnvironment) == [[], ["*"]])
    }

    @Test("what is in force can be told as JSON; what is no JSON is its text")
    func asJSON() throws {
        let loaded = try Workspace().load(set: ["security.token=hidden"])
        func json(_ key: String) -> String? {
            loaded.effective.first { $0.key == key }?.json.description
        }
        #expect(json("http.timeout") == #""30s""#)
        #expect(json("queue.queues.default.concurrency") == "10")
        #expect(json("stream.origins") == "[]")
        #expect(json("observability.sampling") == #""{ parent_based = true }""#)
        #expect(json("security.token") == #""[REDACTED]""#)
    }
}
