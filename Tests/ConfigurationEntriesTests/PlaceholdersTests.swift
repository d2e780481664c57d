import JSON
import Testing

@testable import ConfigurationEntries

@Suite("Placeholders of configuration values")
struct PlaceholdersTests {
    private let placeholders = Placeholders(
        variables: ["HOST": "a.example", "PORT": "3111", "EMPTY": "", "HEX": "0x1F", "T": "true"],
        version: "9.9",
        bytesMax: 64
    )

    @Test(
        "a string is what it stands for; one that is only a placeholder is read as YAML",
        arguments: [
            (#""${HOST}""#, #""a.example""#), (#""${PORT}""#, "3111"), (#""${T}""#, "true"),
            (#""p${PORT}""#, #""p3111""#), (#""${PORT}${PORT}""#, #""31113111""#),
            (#""${EMPTY}""#, #""""#), (#""${EMPTY:x}""#, #""""#), (#""${NONE:7}""#, "7"),
            (#""${NONE:}""#, #""""#), (#""${NONE:-x}""#, #""-x""#), (#""${NONE:null}""#, "null"),
            (#""${NONE:http://h:1/}""#, #""http://h:1/""#), (#""${NONE:1.5}""#, "1.5"),
            (#""${HEX}""#, "31"), (#""${NONE:1.2.3}""#, #""1.2.3""#), (#""${}""#, #""${}""#),
            (#""${open""#, #""${open""#), (#""$PORT""#, #""$PORT""#), ("5", "5"),
            (#"{"${PORT}":["${PORT}"]}"#, #"{"${PORT}":[3111]}"#),
            (#""${NONE:__III_ENGINE_VERSION__}""#, "9.9"),
            (#""$${PORT}$""#, #""$3111$""#), (#""${:${PORT}""#, #""${:3111""#),
            (#""é${HOST}é${PORT""#, #""éa.exampleé${PORT""#), (#""${NONE:é}""#, #""é""#),
        ]
    )
    func expanded(text: String, expected: String) throws {
        let value = try JSONText(validating: Array(text.utf8)).value()
        #expect(try placeholders.expand(value).text.description == expected)
    }

    @Test(
        "many that do not end take no more time than one",
        .timeLimit(.minutes(1)),
        arguments: [("${", ""), ("${:", "}"), ("$", "{"), ("${}", "")]
    )
    func endless(mark: String, end: String) throws {
        let text = String(repeating: mark, count: 300_000) + end
        #expect(try placeholders.expand(.string(text)) == .string(text))
    }

    @Test("what is not set and has no default cannot be read, nor what grows without a bound")
    func refused() {
        #expect(throws: Placeholders.Failure.unset("NONE")) {
            try placeholders.expand(.string("a${NONE}"))
        }
        #expect(throws: Placeholders.Failure.tooLarge(64)) {
            try placeholders.expand(.string(String(repeating: "${HOST}", count: 9)))
        }
    }
}
