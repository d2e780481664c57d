import Dispatch
import Observability
import Primitives
import Testing

@testable import Server

@Suite("What an edit of the configuration changes")
struct ConfigurationEditTests {
    private func edit(_ before: String, _ after: String) throws -> ConfigurationEdit {
        let workspace = try Workspace()
        try workspace.write("iii.toml", before)
        let old = try workspace.load()
        try workspace.write("iii.toml", after)
        return ConfigurationEdit(from: old, to: try workspace.load())
    }

    @Test("is nothing where only comments and the order differ")
    func nothing() throws {
        let edit = try edit(
            "[http]\ntimeout = \"5s\"\nbody_limit = 7\n",
            "# new\n[http]\nbody_limit = 7 # seven\ntimeout = \"5000ms\"\n"
        )
        #expect(edit.isEmpty)
    }

    @Test("is live or pending, key by key, with its place")
    func kinds() throws {
        let edit = try edit(
            "[queue.queues.mails]\nconcurrency = 2\n[security]\ntoken = \"one\"\n",
            "[cron]\ntimezone = \"UTC\"\n[http]\ntimeout = \"5s\"\nbody_limit = 9\n"
                + "[security]\ntoken = \"two\"\n"
        )
        #expect(edit.live.first == "http.timeout = \"5s\" (iii.toml:4)")
        #expect(edit.live.contains("queue.queues.mails.concurrency is not set any more"))
        #expect(edit.pending.contains("http.body_limit = \"9\" (iii.toml:5)"))
        #expect(edit.pending.contains("security.token"))
        #expect(edit.live.allSatisfy { !$0.contains("two") })
        #expect(edit.pending.allSatisfy { !$0.contains("two") })
    }

    @Test("is live for worker processes, and tells no variable")
    func processes() throws {
        let process = "[[exec]]\nname = \"a\"\ncommand = [\"b\"]\n"
        let edit = try edit("", process)
        #expect(edit.pending.isEmpty)
        #expect(edit.live == ["worker process \"a\" is started"])
        let changed = try self.edit(
            "\(process)env = { KEY = \"one\" }",
            "\(process)env = { KEY = \"two\" }"
        )
        #expect(changed.live == ["worker process \"a\" is started anew"])
        #expect(changed.pending.isEmpty)
        let other = "[[exec]]\nname = \"z\"\ncommand = [\"y\"]\n"
        let removed = try self.edit(process + other, other)
        #expect(removed.live == ["worker process \"a\" is stopped"], "the other one runs on")
        #expect(removed.pending.isEmpty)
    }

    private static let live = """
        [engine]
        data = "/d"
        invocation_timeout = "9s"
        registration_namespace_grace = "9s"
        [http]
        timeout = "9s"
        middleware = [{ function_id = "gate" }]
        middleware_timeout = "9s"
        cors = { allowed_origins = ["https://a.example"] }
        concurrency_request_limit = 9
        reconnect_grace = "9s"
        redact_headers = ["x-a"]
        [stream]
        auth_function = "auth"
        join = "required"
        [queue]
        lease = "9s"
        [queue.queues.mails]
        concurrency = 9
        [cron]
        timezone = "Europe/Berlin"
        [state]
        triggers_enabled = false
        max_value_bytes = 9
        [configuration]
        ttl = "9s"
        [observability]
        logging = false
        tracing = false
        sampling_ratio = 0.5
        sampling = { parent_based = false }
        logs_sampling_ratio = 0.5
        memory_max_spans = 9
        metrics_max_count = 9
        metrics_retention = "9s"
        logs_max_count = 9
        logs_retention = "9s"
        logs_console_output = true
        alerts = [{ name = "a", metric = "m", threshold = 1 }]
        collapse_spans = [{ name = "n" }]
        """

    @Test("is in force as far as it is live")
    func inForce() throws {
        let bare = "[engine]\ndata = \"/d\"\n"
        #expect(try edit(bare, Self.live).pending.isEmpty)
        let started = try configuration(toml: bare)
        let edited = try configuration(toml: Self.live)
        #expect(started.takingLiveKeys(of: edited) == edited)
        #expect(edited.takingLiveKeys(of: started) == started)
    }

    @Test("leaves alone what needs a restart")
    func restart() throws {
        let started = try configuration(toml: "[engine]\ndata = \"/d\"\n")
        let edited = try configuration(
            toml: """
                [engine]
                data = "/other"
                rbac = {}
                [http]
                timeout = "9s"
                body_limit = 9
                [stream]
                address = "0.0.0.0:1"
                [observability]
                exporter = "otlp"
                service_name = "shop"
                devtools_streams = true
                sampling_ratio = 0.5
                [security]
                token = "t"
                """
        )
        var expected = started
        expected.http.timeout = .seconds(9)
        expected.observability.samplingRatio = 0.5
        let taken = started.takingLiveKeys(of: edited)
        #expect(taken == expected)
        #expect(taken.telemetry.keepsSpans)
    }

    @Test("counts, too, where it was made before the watch began, and alone what is live of it")
    func early() throws {
        let workspace = try Workspace(["iii.toml": "[http]\ntimeout = \"8s\"\n"])
        let loaded = try workspace.load()
        try workspace.write("iii.toml", "[http]\ntimeout = \"9s\"\nbody_limit = 9\n")
        var expected = loaded.configuration
        expected.http.timeout = .seconds(9)
        let taken = DispatchSemaphore(value: 0)
        let watch = ConfigurationWatch(
            loaded,
            from: Configuration.Sources(environment: [:], workingDirectory: workspace.path),
            report: Report(isJSON: false, least: .error)
        ) { [expected] edited in
            if edited.inForce == expected, edited.isTaken { taken.signal() }
        }
        withExtendedLifetime(workspace) {
            watch.start()
            #expect(taken.wait(timeout: .now() + 30) == .success)
            watch.stop()
        }
    }

    @Test("holds up no stop while it is taken")
    func slow() throws {
        let workspace = try Workspace(["iii.toml": "[http]\ntimeout = \"8s\"\n"])
        let loaded = try workspace.load()
        try workspace.write("iii.toml", "[http]\ntimeout = \"9s\"\n")
        let taken = DispatchSemaphore(value: 0)
        let stopped = DispatchSemaphore(value: 0)
        let isOver = DispatchSemaphore(value: 0)
        let watch = ConfigurationWatch(
            loaded,
            from: Configuration.Sources(environment: [:], workingDirectory: workspace.path),
            report: Report(isJSON: false, least: .error)
        ) { _ in
            taken.signal()
            if stopped.wait(timeout: .now() + 30) == .success { isOver.signal() }
        }
        withExtendedLifetime(workspace) {
            watch.start()
            #expect(taken.wait(timeout: .now() + 30) == .success)
            watch.stop()
            stopped.signal()
            #expect(isOver.wait(timeout: .now() + 30) == .success)
        }
    }
}
