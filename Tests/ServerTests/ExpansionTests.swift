import Testing

@testable import Server

@Suite("Variables in a configuration file")
struct ExpansionTests {
    private func expand(_ text: String, _ variables: [String: String] = [:]) -> Expansion {
        var findings = Findings()
        return Expansion(
            of: text,
            variables: variables,
            version: "1.2.3",
            file: "iii.toml",
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
    func references(text: String, expected: String) {
        #expect(expand(text, ["A": "1", "EMPTY": ""]).text == expected)
    }

    @Test(
        "what is not a reference stays as it is",
        arguments: ["", "$A", "${", "${A", "$${", "${}", "${:x}", "$ {A}", "{A}"]
    )
    func plain(text: String) {
        #expect(expand(text, ["A": "1"]).text == text)
    }

    @Test("nothing is expanded twice")
    func once() {
        #expect(expand("${A}", ["A": "${B}", "B": "1"]).text == "${B}")
    }

    @Test("an unset variable without a default is an error of its line, also in a comment")
    func unset() throws {
        let text = "[security]\ntoken = \"${III_TOKEN}\"\n# ${OTHER}\n"
        #expect(
            try refusals(["iii.toml": text]) == [
                "iii.toml:2: the environment variable III_TOKEN is not set; set it, or write a"
                    + " default as in ${III_TOKEN:default}",
                "iii.toml:3: the environment variable OTHER is not set; set it, or write a default"
                    + " as in ${OTHER:default}",
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
    }

    @Test("a reference becomes part of the text before it is parsed")
    func beforeParsing() throws {
        let text = "[http]\n${KEY} = \"${HOST:localhost}:${PORT:1}\""
        let found = try configuration(toml: text, environment: ["KEY": "address", "PORT": "2"])
        #expect(found.http.address.description == "localhost:2")
    }
}
