import Testing

@testable import Server

@Suite("What is refused in a configuration, word for word")
struct ConfigurationErrorTests {
    @Test(
        "one wrong line of iii.toml",
        arguments: [
            (
                "[queue.queues.default]\nconcurency = 4",
                "iii.toml:2: unknown key \"concurency\" in [queue.queues.default]; did you mean"
                    + " \"concurrency\"?"
            ),
            (
                "\n\n[quue]\n",
                "iii.toml:3: unknown key \"quue\" at the top level; did you mean \"queue\"?"
            ),
            (
                "http.port = 80",
                "iii.toml:1: unknown key \"port\" in [http]; allowed: address, timeout,"
                    + " middleware, middleware_timeout, cors, concurrency_request_limit,"
                    + " reconnect_grace, redact_headers, idempotency_expiry, idempotency_keys, body_limit, body_memory, header_limit, header_count,"
                    + " header_timeout, body_timeout, idle_timeout, max_connections,"
                    + " tls_certificate, tls_key"
            ),
            (
                "[http]\ntimeout = 30",
                "iii.toml:2: http.timeout must be a duration above zero such as \"50ms\", \"30s\""
                    + " or \"7d\", is 30"
            ),
            (
                "[engine]\n# why\n\"durability\" = \"synk\"",
                "iii.toml:3: engine.durability must be \"sync\", or \"interval:\" and a duration"
                    + " above zero such as \"interval:50ms\", is \"synk\"; did you mean \"sync\"?"
            ),
            (
                "[engine]\ndurability = \"interval:0s\"",
                "iii.toml:2: engine.durability must be \"sync\", or \"interval:\" and a duration"
                    + " above zero such as \"interval:50ms\", is \"interval:0s\""
            ),
            (
                "[engine]\nduplicate_functions = \"ballance\"",
                "iii.toml:2: engine.duplicate_functions must be \"balance\" or \"reject\", is"
                    + " \"ballance\"; did you mean \"balance\"?"
            ),
            (
                "[engine]\naddress = 8080",
                "iii.toml:2: engine.address must be HOST:PORT such as \"127.0.0.1:3111\" or"
                    + " \"[::1]:3111\", is 8080"
            ),
            (
                "[queue.queues.mail]\nconcurrency = 0",
                "iii.toml:2: queue.queues.mail.concurrency must be an integer of at least 1, is 0"
            ),
            (
                "[queue.queues]\nmail = { concurrency = \"ten\" }",
                "iii.toml:2: queue.queues.mail.concurrency must be an integer of at least 1, is"
                    + " \"ten\""
            ),
            (
                "[queue.queues.mail]\nmax_retries = 1.5",
                "iii.toml:2: queue.queues.mail.max_retries must be an integer of at least 0, is 1.5"
            ),
            (
                "[queue.queues.mail]\nmax_retries = 4294967296",
                "iii.toml:2: queue.queues.mail.max_retries must be an integer of at least 0, is"
                    + " 4294967296"
            ),
            (
                "[observability]\nlogging = \"yes\"",
                "iii.toml:2: observability.logging must be true or false, is \"yes\""
            ),
            (
                "[observability]\ndashboard_port = 65536",
                "iii.toml:2: observability.dashboard_port must be an integer from 0 to 65535, is"
                    + " 65536"
            ),
            (
                "[log]\nsegment_bytes = \"64MB\"",
                "iii.toml:2: log.segment_bytes must be a size from 1MiB to 4GiB, such as"
                    + " \"64MiB\", is \"64MB\""
            ),
            (
                "[http]\nbody_limit = \"1GiB\"",
                "iii.toml:2: http.body_limit must be a size from 1 to 16MiB, such as \"512KiB\","
                    + " is \"1GiB\""
            ),
            (
                "[cron]\ntimezone = \"Europe/../Berlin\"",
                "iii.toml:2: cron.timezone must be a name of the system's time zone database, such"
                    + " as \"Europe/Berlin\", or \"UTC\", is \"Europe/../Berlin\""
            ),
            (
                "[cron]\ntimezone = 1979-05-27",
                "iii.toml:2: cron.timezone must be a name of the system's time zone database, such"
                    + " as \"Europe/Berlin\", or \"UTC\", is a date"
            ),
            (
                "[http]\ncors = { allowed_origin = [\"x\"] }",
                "iii.toml:2: unknown key \"allowed_origin\" in [http.cors]; did you mean"
                    + " \"allowed_origins\"?"
            ),
            (
                "[http.cors]\nallowed_methods = \"GET\"",
                "iii.toml:2: http.cors.allowed_methods must be a list such as"
                    + " [\"GET\", \"POST\"], is \"GET\""
            ),
            (
                "[http]\nmiddleware = [{ functio_id = \"x\" }]",
                "iii.toml:2: unknown key \"functio_id\" in [http.middleware[0]]; did you mean"
                    + " \"function_id\"?"
            ),
            (
                "[http]\nmiddleware = [{ function_id = \"x\" }, { priority = 1 }]",
                "iii.toml:2: http.middleware[1] needs \"function_id\""
            ),
            (
                "[engine.rbac]\nexpose_functions = [{ match = \"a\", namespce = \"b\" }]",
                "iii.toml:2: unknown key \"namespce\" in [engine.rbac.expose_functions[0]]; did"
                    + " you mean \"namespace\"?"
            ),
            (
                "[observability]\nsampling = { rate_limit = { max_traces_per_second = 0 } }",
                "iii.toml:2: observability.sampling.rate_limit.max_traces_per_second must be a"
                    + " number above zero, is 0"
            ),
            (
                "[observability]\ncollapse_spans = [{ nam = \"a\" }]",
                "iii.toml:2: unknown key \"nam\" in [observability.collapse_spans[0]]; did you"
                    + " mean \"name\"?"
            ),
            (
                "[observability]\nalerts = [{ name = \"a\", metric = \"m\" }]",
                "iii.toml:2: observability.alerts[0] needs \"threshold\""
            ),
            (
                "engine = 5",
                "iii.toml:1: engine must be a table of settings, is 5"
            ),
            (
                "[queue.queues.q]\ntype = \"fifo\"",
                "iii.toml:2: queue.queues.q has type \"fifo\" and needs message_group_field: the"
                    + " top-level key of the payload that names a message's group"
            ),
            (
                "[observability]\ndashboard_address = \"[::1]:1\"\ndashboard_port = 2",
                "iii.toml:3: observability.dashboard_port and observability.dashboard_address say"
                    + " the same thing; set one of them"
            ),
            (
                "[security]\ntoken = \"\"",
                "iii.toml:2: security.token must be a string that is not empty, is \"\""
            ),
            (
                "[exec]\nname = \"a\"",
                "iii.toml:1: exec must be a list of tables, each under [[exec]], is a table"
            ),
            (
                "[[exec]]\nname = \"a\"\ncommand = [\"x\"]\n\n[[exec]]\nname = \"b\"",
                "iii.toml:5: exec[1] needs \"command\""
            ),
            (
                "[[exec]]\nname = \"a\"\ncommand = \"python3 worker.py\"",
                "iii.toml:3: exec[0].command must be a list of strings, the program first, is"
                    + " \"python3 worker.py\""
            ),
            (
                "[[exec]]\nname = \"a\"\ncommand = []",
                "iii.toml:3: exec[0].command must be a list of strings, the program first, is"
                    + " an empty list"
            ),
            (
                "[[exec]]\nname = \"a\"\ncommand = [\"x\"]\n[[exec]]\ncommand = [\"y\"]\nname = \"a\"",
                "iii.toml:6: exec[1].name \"a\" is taken by another [[exec]]"
            ),
            (
                "[[exec]]\nname = \"a\"\ncommand = [\"x\"]\nrestart = \"onfailure\"",
                "iii.toml:4: exec[0].restart must be \"always\" or \"on-failure\" or \"never\","
                    + " is \"onfailure\"; did you mean \"on-failure\"?"
            ),
            (
                "[[exec]]\nname = \"a\"\ncommand = [\"x\"]\nenv = { A = 1 }",
                "iii.toml:4: exec[0].env must be a table of strings, the names of variables before"
                    + " them, is a table"
            ),
            (
                "[[exec]]\nname = \"a\"\ncommnd = [\"x\"]\ncommand = [\"x\"]",
                "iii.toml:3: unknown key \"commnd\" in [exec[0]]; did you mean \"command\"?"
            ),
        ]
    )
    func toml(text: String, message: String) throws {
        #expect(try refusals(["iii.toml": text]) == [message])
    }

    @Test("a text that is not TOML is refused with its line")
    func tomlSyntax() throws {
        let text = "[engine]\naddress = \"127.0.0.1:1\"\ndata = = 1\n"
        let messages = try refusals(["iii.toml": text])
        #expect(messages.count == 1)
        #expect(messages.first?.hasPrefix("iii.toml:3: not valid TOML: ") == true, "\(messages)")
    }

    @Test("a key that is written twice is refused with its line")
    func tomlDuplicate() throws {
        let messages = try refusals(["iii.toml": "[http]\ntimeout = \"1s\"\n\ntimeout = \"2s\"\n"])
        #expect(messages.first?.hasPrefix("iii.toml:4: not valid TOML: ") == true, "\(messages)")
    }

    @Test("all that is wrong is told at once, in the order of the lines")
    func everything() throws {
        let text = """
            [state]
            max_value_bytes = 0
            [engine]
            adress = "127.0.0.1:1"
            data = ""
            [htp]
            timeout = "1s"
            """
        #expect(
            try refusals(["iii.toml": text], set: ["cron.timezon=UTC"]) == [
                "iii.toml:2: state.max_value_bytes must be a size of at least 1, such as"
                    + " \"512KiB\", \"64MiB\" or \"10GiB\", is 0",
                "iii.toml:4: unknown key \"adress\" in [engine]; did you mean \"address\"?",
                "iii.toml:5: engine.data must be a path, written out (no shell is there to replace"
                    + " ~), is \"\"",
                "iii.toml:6: unknown key \"htp\" at the top level; did you mean \"http\"?",
                "--set cron.timezon: unknown key \"timezon\" in [cron]; did you mean \"timezone\"?",
            ]
        )
    }

    @Test(
        "a wrong flag is named",
        arguments: [
            (
                "http.timeout",
                "--set http.timeout: expected section.key=value, as in --set http.timeout=10s"
            ),
            ("=1", "--set =1: expected section.key=value, as in --set http.timeout=10s"),
            ("a.=1", "--set a.=1: expected section.key=value, as in --set http.timeout=10s"),
            (
                "http.timeout=soon",
                "--set http.timeout: http.timeout must be a duration above zero such as \"50ms\","
                    + " \"30s\" or \"7d\", is \"soon\""
            ),
            (
                "queue.queues.default.concurency=4",
                "--set queue.queues.default.concurency: unknown key \"concurency\" in"
                    + " [queue.queues.default]; did you mean \"concurrency\"?"
            ),
            (
                "exec.name=x",
                "--set exec.name: exec consists of tables, which only the configuration file can"
                    + " hold"
            ),
            (
                "http.cors.allowed_origins=https://a.example",
                "--set http.cors.allowed_origins: http.cors consists of tables, which only the"
                    + " configuration file can hold"
            ),
            (
                "http.cors={ allowed_origins = [\"*\"] }",
                "--set http.cors: http.cors consists of tables, which only the configuration file"
                    + " can hold"
            ),
            (
                "stream.origins.a=*",
                "--set stream.origins.a: stream.origins is a list, which only the configuration"
                    + " file can hold"
            ),
        ]
    )
    func flags(flag: String, message: String) throws {
        let text = """
            [stream]
            origins = ["https://a.example"]
            [[exec]]
            name = "a"
            command = ["x"]
            """
        #expect(try refusals(["iii.toml": text], set: [flag]) == [message])
    }

    @Test("what only the file can hold is told of variables, too, whether the file has it or not")
    func tables() throws {
        let keys = [
            "http.middleware", "observability.alerts", "observability.collapse_spans",
            "engine.rbac.expose_functions", "worker_listener", "exec",
        ]
        #expect(Configuration.fileKeys == Set(keys + ["http.cors"]))
        let environment = ["III_HTTP__CORS": "*", "III_EXEC__NAME": "a"]
        #expect(
            try refusals([:], environment: environment) == [
                "III_EXEC__NAME: exec consists of tables, which only the configuration file can"
                    + " hold",
                "III_HTTP__CORS: http.cors consists of tables, which only the configuration file"
                    + " can hold",
            ]
        )
    }

    @Test("a path with a ~ that a shell would have replaced is refused")
    func home() throws {
        let message =
            "must be a path, written out (no shell is there to replace ~), is \"~/x\""
        #expect(
            try refusals(["iii.toml": "[engine]\ndata = \"~/x\""], set: ["http.tls_key=~/x"])
                == [
                    "iii.toml:2: engine.data \(message)",
                    "--set http.tls_key: http.tls_key \(message)",
                ]
        )
        let found = try configuration(toml: "[engine]\ndata = \"./~/x\"")
        #expect(found.engine.data.hasSuffix("/~/x"))
    }

    @Test("a wrong variable is named")
    func variables() throws {
        let environment = [
            "III_HTTP__TIMOUT": "1s", "III_QUEUE__QUEUES__DEFAULT__CONCURRENCY": "-1",
            "III_NAMESPACE_GRACE_MS": "soon",
        ]
        #expect(
            try refusals([:], environment: environment) == [
                "III_NAMESPACE_GRACE_MS: must be a whole number of milliseconds, is \"soon\"",
                "III_HTTP__TIMOUT: unknown key \"timout\" in [http]; did you mean \"timeout\"?",
                "III_QUEUE__QUEUES__DEFAULT__CONCURRENCY: queue.queues.default.concurrency must be"
                    + " an integer of at least 1, is \"-1\"",
            ]
        )
    }

    @Test("a file that cannot be read is refused")
    func unreadable() throws {
        #expect(
            try refusals([:], file: "nowhere.toml") == [
                "nowhere.toml: cannot be read: No such file or directory"
            ]
        )
        #expect(
            try refusals(["sub/iii.toml": ""], file: "sub") == [
                "sub: cannot be read: Is a directory"
            ]
        )
        #expect(
            try refusals(["iii.toml": "a = \"\0\""]) == [
                "iii.toml: cannot be read: it is not UTF-8 text"
            ]
        )
    }

    @Test("every error has a stable code")
    func codes() throws {
        let text = """
            x = 1
            [http]
            timeout = 5
            address = "nowhere"
            [observability]
            dashboard_port = 1
            dashboard_address = "[::1]:1"
            """
        let workspace = try Workspace(["iii.toml": text])
        let errors = #expect(throws: ConfigurationErrors.self) { try workspace.load() }
        #expect(
            errors?.errors.map(\.code.rawValue) == [
                "config.unknown_key", "config.type", "config.value", "config.conflict",
            ]
        )
    }
}
