import NetServer
import Testing

@testable import Server

@Suite("Variables in a configuration file")
struct ExpansionTests {
    private func expand(_ text: String, _ variables: [String: String] = [:]) -> Expansion {
        var findings = Findings()
        return Expansion(
            of: text,
            Variables(values: variables, version: "1.2.3"),
            file: "config.yaml",
            findings: &findings
        )
    }

    @Test(
        "a reference is replaced by its value or its default",
        arguments: [
            ("${A}", "1"), ("x${A}y${A}z", "x1y1z"), ("${A:2}", "1"), ("${B:2}", "2"),
            ("${EMPTY:2}", ""), ("${EMPTY}", ""), ("${B:}", ""), ("${B:-x}", "-x"),
            ("${B:ws://h:1/p}", "ws://h:1/p"), ("${B:__III_ENGINE_VERSION__}", "1.2.3"),
        ]
    )
    func references(text: String, expected: String) throws {
        let values = ["A": "1", "EMPTY": ""]
        #expect(expand(text, values).text == expected)
        let toml = "[security]\ntoken = \"<\(text)>\""
        let found = try configuration(toml: toml, environment: values)
        #expect(found.security.token == "<\(expected)>")
    }

    @Test(
        "what is not a reference stays as it is",
        arguments: ["", "$A", "${", "${A", "$${", "${}", "${:x}", "$ {A}", "{A}"]
    )
    func plain(text: String) throws {
        #expect(expand(text, ["A": "1"]).text == text)
        let toml = "[security]\ntoken = \"<\(text)>\""
        let found = try configuration(toml: toml, environment: ["A": "1"])
        #expect(found.security.token == "<\(text)>")
    }

    @Test("nothing is expanded twice")
    func once() {
        #expect(expand("${A}", ["A": "${B}", "B": "1"]).text == "${B}")
    }

    @Test("an unset variable without a default is an error of its line, and none in a comment")
    func unset() throws {
        let text = """
            # ${A}
            [security]
            token = "${III_TOKEN}" # ${B}
            [http]
            max_connections = ${CONNECTIONS}
            """
        #expect(
            try refusals(["iii.toml": text]) == [
                "iii.toml:3: the environment variable III_TOKEN is not set; set it, or write a"
                    + " default as in ${III_TOKEN:default}",
                "iii.toml:5: the environment variable CONNECTIONS is not set; set it, or write a"
                    + " default as in ${CONNECTIONS:default}",
            ]
        )
        let yaml = "# ${A}\nworkers: []\n  # ${B}\nmodules: ${C}\n"
        #expect(
            try refusals(["config.yaml": yaml]) == [
                "config.yaml:4: the environment variable C is not set; set it, or write a default"
                    + " as in ${C:default}"
            ]
        )
    }

    @Test(
        "what a variable holds is what the string holds, in every kind of quotes",
        arguments: [
            "p\\tq", "a\"b", "it's", "\"\n[http]\ntimeout = \"1s", "'''\n[http]", "${OTHER}",
            "a\nb", "#", "\\", "\"\"\"", "é🙂",
        ]
    )
    func opaque(value: String) throws {
        for quotes in ["\"", "'", "\"\"\"", "'''"] {
            let text = "[security]\ntoken = \(quotes)<${T}>\(quotes)\n"
            let found = try configuration(toml: text, environment: ["T": value])
            #expect(found.security.token == "<\(value)>", "in \(quotes)")
            #expect(found.http.timeout == Configuration.HTTP().timeout)
        }
    }

    @Test("outside of quotes a variable is one number, truth value or word, and nothing more")
    func bare() throws {
        let text = """
            [http]
            ${KEY} = 12
            [observability]
            logging = ${FLAG:false}
            sampling_ratio = ${RATIO}
            [stream]
            origins = ${ORIGINS:["https://a.example", "https://b.example"]} # ${NOT}
            [queue.queues."${QUEUE}"]
            concurrency = ${COUNT}
            """
        var environment = [
            "KEY": "max_connections", "RATIO": "0.25", "COUNT": "7", "QUEUE": "my.mails",
        ]
        let found = try configuration(toml: text, environment: environment)
        #expect(found.http.maxConnections == 12)
        #expect(!found.observability.logging)
        #expect(found.observability.samplingRatio == 0.25)
        #expect(found.stream.origins == ["https://a.example", "https://b.example"])
        #expect(found.queue.queues["my.mails"]?.concurrency == 7)
        for value in ["7\nmax_retries = 9", "7 # ", "\"7\"", "[7]", "1.2.3", "7, 8"] {
            environment["COUNT"] = value
            #expect(
                try refusals(["iii.toml": text], environment: environment) == [
                    "iii.toml:9: the environment variable COUNT holds more than a word or a number"
                        + " here; put quotes around it: \"${COUNT}\""
                ]
            )
        }
        environment["COUNT"] = ""
        #expect(
            try refusals(["iii.toml": text], environment: environment) == [
                "iii.toml:9: the environment variable COUNT is set, but empty"
            ]
        )
    }

    @Test("quoted keys that become the same one are refused")
    func keys() throws {
        let text = "[queue.queues]\n\"${A}\" = {}\n\"${B}\" = {}\n"
        #expect(
            try refusals(["iii.toml": text], environment: ["A": "q", "B": "q"]) == [
                "iii.toml:3: the key \"q\" is there twice"
            ]
        )
    }

    @Test("a value of many lines moves no other line")
    func lines() throws {
        let text = "[security]\ntoken = \"\"\"${TOKEN}\"\"\"\n\n[http]\ntimeuot = \"1s\"\n"
        #expect(
            try refusals(["iii.toml": text], environment: ["TOKEN": "a\nb\nc"]) == [
                "iii.toml:5: unknown key \"timeuot\" in [http]; did you mean \"timeout\"?"
            ]
        )
        let broken = "[security]\ntoken = \"\"\"${TOKEN}\"\"\"\n= 1\n"
        let messages = try refusals(["iii.toml": broken], environment: ["TOKEN": "a\nb\nc"])
        #expect(messages.first?.hasPrefix("iii.toml:3: not valid TOML") == true, "\(messages)")
        let list = "[stream]\norigins = ${ORIGINS:[\n]}\n[http]\ntimeuot = \"1s\"\n"
        let wrong = try refusals(["iii.toml": list])
        #expect(wrong.first?.hasPrefix("iii.toml:5: unknown key") == true, "\(wrong)")
        let yaml = expand("a: \"${A}\"\nb: 1\n", ["A": "1\n2\n3"])
        #expect(yaml.originalLine(of: 3) == 1)
        #expect(yaml.originalLine(of: 4) == 2)
    }

    @Test("a reference becomes part of a YAML text before it is parsed")
    func beforeParsing() throws {
        let text = "workers:\n  - name: iii-http\n    config: {${KEY}: ${VALUE}, host: ${HOST:h}}\n"
        let workspace = try Workspace(["config.yaml": text])
        let found = try workspace.load(environment: ["KEY": "port", "VALUE": "2"]).configuration
        #expect(found.http.address.description == "h:2")
    }
}
