import Foundation
import Testing

/// `Tests/ProcessTests/RULES.md` names the test of each rule of the interface.
@Suite("The map of rules")
struct RuleMapTests {
    private let map: String
    private let package: PackageDescription

    init() throws {
        package = try PackageDescription()
        let file = package.folder.appending(path: "Tests/ProcessTests/RULES.md")
        map = try String(contentsOf: file, encoding: .utf8)
    }

    /// The tests of a file, by the names of their functions.
    static func tests(in file: SwiftFile) -> Set<String> {
        var tests: Set<String> = []
        var isTest = false
        for line in file.code {
            let words = line.split { $0 == " " || $0 == "(" }
            if words.first == "@Test" { isTest = true }
            guard let place = words.firstIndex(of: "func"), place + 1 < words.count else {
                continue
            }
            if isTest { tests.insert(String(words[place + 1])) }
            isTest = false
        }
        return tests
    }

    @Test("a function counts as a test where it is one")
    func sight() {
        let text = """
            @Test("one") func a() {}
            @Test(
                "two, func c()"
            )
            func b(x: Int) throws {
                func inner() {}
            }
            private func helper() {}
            """
        let file = SwiftFile(path: "Tests/X/XTests.swift", module: "X", text: text)
        #expect(Self.tests(in: file) == ["a", "b"])
    }

    @Test("every test that it names is there")
    func named() throws {
        let files = try package.swiftFiles(under: ["Tests"])
        var tests: [String: Set<String>] = [:]
        for file in files { tests[file.path] = Self.tests(in: file) }
        var count = 0
        for match in map.matches(of: /`(?:(\w+)\/)?(\w+Tests)\.(\w+)`/) {
            count += 1
            let path = "Tests/\(match.1 ?? "ProcessTests")/\(match.2).swift"
            if tests[path]?.contains(String(match.3)) != true {
                Issue.record("RULES.md names \(match.2).\(match.3), which is no test of \(path)")
            }
        }
        #expect(count > 100)
    }

    @Test("every test of the suites that go rule by rule is in it")
    func complete() throws {
        let suites = [
            "SharedRule", "HTTPRequest", "HTTPResponse", "HTTPRoute", "StreamJoin", "StreamVector",
            "StateVector", "CronVector", "PubSubVector", "ConfigurationFunction", "WorkersFile",
        ]
        for file in try package.swiftFiles(under: ["Tests/ProcessTests"]) {
            guard let suite = suites.first(where: { file.path.hasSuffix("/\($0)Tests.swift") })
            else { continue }
            for test in Self.tests(in: file) where !map.contains("`\(suite)Tests.\(test)`") {
                Issue.record("RULES.md does not name \(suite)Tests.\(test)")
            }
        }
    }
}
