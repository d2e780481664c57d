import JSON
import Primitives
import Testing

@testable import AccessControl

@Suite("Who may call what")
struct AccessTests {
    private func access(
        _ grants: Grants = .full,
        exposing rules: [ExposeRule]? = []
    ) -> Access {
        Access(AccessRules(rbac: rules.map { RoleRules(exposed: $0) }), grants)
    }

    private func text(_ json: String) -> JSONText { JSONText(trusted: Array(json.utf8)) }

    @Test("is decided by the first rule that applies")
    func order() {
        var grants = Grants()
        grants.namespaces = ["shop": [Wildcard("cart::*")], "default": []]
        grants.allowedFunctions = ["a", "x"]
        grants.forbiddenFunctions = ["x", "engine::log::info", "cart::drop"]
        let access = access(grants, exposing: [ExposeRule(.id(Wildcard("pub::*")))])
        let shop = { FunctionName(namespace: "shop", id: $0) }
        #expect(access.verdict(on: shop("cart::add")) == .allowed)
        #expect(access.verdict(on: shop("cart::drop")) == .forbidden)
        #expect(access.verdict(on: FunctionName(id: "cart::add")) == .notExposed)
        #expect(access.verdict(on: FunctionName(id: "a")) == .allowed)
        #expect(access.verdict(on: shop("a")) == .notExposed)
        #expect(access.verdict(on: FunctionName(id: "x")) == .forbidden)
        #expect(access.verdict(on: shop("x")) == .forbidden)
        #expect(access.verdict(on: FunctionName(id: "engine::log::info")) == .forbidden)
        #expect(access.verdict(on: FunctionName(id: "engine::log::warn")) == .allowed)
        #expect(access.verdict(on: FunctionName(id: "engine::workers::list")) == .notExposed)
        #expect(access.verdict(on: FunctionName(id: "pub::x")) == .allowed)
        #expect(access.verdict(on: shop("pub::x")) == .notExposed)
    }

    @Test("is everything that is not forbidden, where a listener has no rules")
    func unruled() {
        var grants = Grants()
        grants.forbiddenFunctions = ["x"]
        #expect(access(grants, exposing: nil).verdict(on: FunctionName(id: "a")).isAllowed)
        #expect(!access(grants, exposing: nil).verdict(on: FunctionName(id: "x")).isAllowed)
    }

    @Test("may depend on metadata: every key, by value or by pattern")
    func metadata() {
        let rule = ExposeRule(
            .metadata([
                "public": MetadataValue(.bool(true)),
                "tier": MetadataValue(.string("match(\"g*\")")),
            ])
        )
        let access = access(exposing: [rule])
        func isAllowed(_ metadata: String..., in namespace: String = "default") -> Bool {
            access.verdict(on: FunctionName(namespace: namespace, id: "f")) {
                metadata.map(text)
            }.isAllowed
        }
        #expect(isAllowed(#"{"public":true,"tier":"gold","x":1}"#))
        #expect(!isAllowed(#"{"public":true,"tier":"gold"}"#, in: "shop"))
        #expect(!isAllowed(#"{"public":"true","tier":"gold"}"#))
        #expect(!isAllowed(#"{"public":true,"tier":1}"#))
        #expect(!isAllowed(#"{"public":true,"tier":"silver"}"#))
        #expect(!isAllowed(#"{"tier":"gold"}"#))
        #expect(!isAllowed("[]"))
        #expect(!isAllowed())
        // Each of several replicas has to be meant.
        let gold = #"{"public":true,"tier":"gold"}"#
        #expect(isAllowed(gold, #"{"public":true,"tier":"green"}"#))
        #expect(!isAllowed(gold, #"{"public":true,"tier":"silver"}"#))
        #expect(!isAllowed(gold, "null"))
    }

    @Test("denials say what was asked for and what would help")
    func messages() {
        var grants = Grants()
        grants.forbiddenFunctions = ["x"]
        grants.namespaces = ["b": [], "a": []]
        let access = access(grants)
        let hidden = access.refusal(of: FunctionName(id: "secret"))
        #expect(hidden?.code == "FORBIDDEN")
        #expect(hidden?.message.contains("'secret'") == true)
        #expect(hidden?.message.contains("rbac.expose_functions") == true)
        #expect(access.refusal(of: FunctionName(id: "x"))?.message.contains("forbidden") == true)
        #expect(access.refusal(ofNamespace: "c")?.message.hasSuffix("permitted: a, b") == true)
        #expect(access.refusal(ofNamespace: "a") == nil)
    }

    @Test("deny wins, and nothing is allowed that no rule allows")
    func property() {
        var random = SeededEntropy(seed: 11)
        let names = ["a", "a::b", "b", "engine::log::info", "engine::x", "aa"]
        let patterns = ["*", "a", "a*", "*::b", "engine::*", "zz"]
        let spaces = ["default", "s", "t"]
        func pick<Value>(_ values: [Value]) -> Value {
            values[Int(random.next() % UInt64(values.count))]
        }
        func some<Value>(_ values: [Value]) -> [Value] {
            (0..<Int(random.next() % 3)).map { _ in pick(values) }
        }
        var allowedCount = 0
        for _ in 0..<20_000 {
            var grants = Grants()
            for space in some(spaces) {
                grants.namespaces[space] = some(patterns).map(Wildcard.init)
            }
            grants.allowedFunctions = Set(some(names))
            grants.forbiddenFunctions = Set(some(names))
            let rules = some(patterns).map {
                ExposeRule(.id(Wildcard($0)), namespace: pick(spaces))
            }
            let function = FunctionName(namespace: pick(spaces), id: pick(names))
            let isAllowed = access(grants, exposing: rules).verdict(on: function).isAllowed
            if grants.forbiddenFunctions.contains(function.id) { #expect(!isAllowed) }
            let reasons = [
                grants.namespaces[function.namespace]?.contains { $0.matches(function.id) } == true,
                function.namespace == "default" && grants.allowedFunctions.contains(function.id),
                Access.infrastructure.contains(function.id),
                rules.contains { rule in
                    guard case .id(let pattern) = rule.subject else { return false }
                    return rule.namespace == function.namespace && pattern.matches(function.id)
                },
            ]
            let expected =
                reasons.contains(true) && !grants.forbiddenFunctions.contains(function.id)
            #expect(isAllowed == expected, "\(grants) \(rules) \(function)")
            if isAllowed { allowedCount += 1 }
        }
        #expect(allowedCount > 2000)
    }
}

@Suite("Grants")
struct GrantsTests {
    private func grants(_ json: String) throws -> Grants {
        try Grants(JSONText(validating: Array(json.utf8)))
    }

    @Test("have defaults that grant little")
    func defaults() throws {
        let grants = try grants("{}")
        #expect(grants == Grants())
        #expect(grants.mayRegisterFunctions && !grants.mayRegisterTriggerTypes)
        #expect(grants.allowedTriggerTypes == nil)
        #expect(grants.mayLive(in: "anywhere"))
    }

    @Test("are read whole")
    func whole() throws {
        let grants = try grants(
            #"""
            {"namespaces":{"shop":["cart::*","match(\"x*\")"],"b":[]},"allowed_functions":["f"],
             "forbidden_functions":["g"],"allowed_trigger_types":["http"],
             "allow_trigger_type_registration":true,"allow_function_registration":false,
             "function_registration_prefix":"p","context":{"u":1}}
            """#
        )
        #expect(grants.namespaces["shop"]?.map(\.text) == ["cart::*", "x*"])
        #expect(grants.allowedFunctions == ["f"] && grants.forbiddenFunctions == ["g"])
        #expect(grants.allowedTriggerTypes == ["http"])
        #expect(grants.mayRegisterTriggerTypes && !grants.mayRegisterFunctions)
        #expect(grants.prefix == "p")
        #expect(grants.context.description == #"{"u":1}"#)
        #expect(grants.mayLive(in: "b") && !grants.mayLive(in: "default"))
    }

    @Test("are read in one pass, however many namespaces there are", .timeLimit(.minutes(1)))
    func many() throws {
        let namespaces = (0..<100_000).map { #""\#($0)":["f"]"# }.joined(separator: ",")
        let grants = try grants(#"{"namespaces":{\#(namespaces),"7":null}}"#)
        #expect(grants.namespaces.count == 100_000)
        #expect(grants.namespaces["7"] == [])
    }

    @Test(
        "are refused to whom the answer refuses, as that of a stream's join does or another way",
        arguments: [
            ("unauthorized", ["true", #""no""#, "1", "{}"], ["false", "null"]),
            ("authorized", ["false", #""true""#, "0", "[]"], ["true", "null"]),
        ]
    )
    func refused(member: String, refusing: [String], granting: [String]) throws {
        for value in refusing {
            let text = "{\"\(member)\":\(value),\"allowed_functions\":[\"f\"]}"
            #expect(throws: JSONFieldError.self, "\(text)") { try grants(text) }
        }
        for value in granting { #expect(try grants("{\"\(member)\":\(value)}") == Grants()) }
    }

    @Test(
        "are refused where anything is of another type",
        arguments: [
            "null", "[]", "true", #"{"namespaces":[]}"#, #"{"namespaces":{"a":"b"}}"#,
            #"{"allowed_functions":"f"}"#, #"{"forbidden_functions":[1]}"#,
            #"{"allowed_trigger_types":{}}"#, #"{"allow_function_registration":"no"}"#,
            #"{"function_registration_prefix":1}"#,
        ]
    )
    func malformed(_ json: String) {
        #expect(throws: JSONFieldError.self) { try grants(json) }
    }
}
