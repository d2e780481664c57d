import JSON
import Primitives
import Testing

@testable import Engine

@Suite("Members that nobody knows")
struct MisspellingTests {
    private func told(_ lab: Lab) -> [String] {
        lab.engine.takeNotices().map(\.text).filter { $0.contains("did you mean") }
    }

    @Test(
        "of a trigger's configuration are told of once, where they are close to one that counts",
        arguments: [
            ("cron", #"{"expression":"@daily","tz":"UTC","owner":"x"}"#, "tz", "timezone"),
            ("queue", #"{"topic":"t","concurency":3}"#, "concurency", "concurrency"),
            (
                "durable:subscriber", #"{"topic":"t","queue_config":{"maxRetrys":3}}"#,
                "maxRetrys", "maxRetries"
            ),
            ("http", #"{"api_path":"/a","metod":"PUT"}"#, "metod", "method"),
            ("state", #"{"scopes":"s"}"#, "scopes", "scope"),
        ]
    )
    func triggers(type: String, config: String, name: String, meant: String) throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        for id in ["t", "u"] { try lab.settle(.trigger(worker, type, config, to: "f", id: id)) }
        #expect(
            told(lab) == [
                "\(type) trigger t, for f, ignores \"\(name)\"; did you mean \"\(meant)\"?"
            ]
        )
    }

    @Test("of the state's functions too; the call goes on")
    func state() throws {
        let lab = try Lab()
        let peer = try lab.join("w")
        let place = #""scope":"s","key":"k","value":1"#
        let others = [
            #""mine":1,"if_revison":5"#, #""if_revison":6"#, #""ttl":5"#, #""ttl_ms":9"#,
        ]
        for more in others {
            _ = try lab.value(of: "state::set", "{\(place),\(more)}", by: peer)
        }
        #expect(
            told(lab) == [
                #"state::set ignores "if_revison"; did you mean "if_revision"?"#,
                #"state::set ignores "ttl"; did you mean "ttl_ms"?"#,
            ]
        )
    }

    @Test("keep no other from being told of, however many come that mean nothing")
    func flood() {
        var members = UnknownMembers()
        func meant(_ name: String) -> String? {
            members.meant(by: name, in: "f", known: ["scope", "key"])
        }
        let others = (0..<2500).compactMap { meant("x\($0)") }
        #expect(others.isEmpty)
        let misspelt = (0..<2).map { _ in meant("scpoe") }
        #expect(misspelt == ["scope", nil])
    }

    @Test("are said of a thousand names at the most")
    func bounded() {
        var once = OnceTold<String>()
        let first = (0..<1010).filter { once.isFirst("\($0)") }
        #expect(first == Array(0..<1000))
        #expect(!once.isUntold("0"))
        let again = once.isFirst("0")
        #expect(!again)
    }
}
