import Primitives
import AccessControl
import JSON
import Testing

@testable import Server

@Suite("Listeners for workers")
struct ListenerConfigurationTests {
    @Test("are the engine's own, trusted, and those that are listed")
    func toml() throws {
        let text = """
            [engine]
            address = "127.0.0.1:1"

            [[worker_listener]]
            address = "0.0.0.0:2"
            handshake_timeout = "3s"
            middleware_function_id = "gate"
            origins = ["https://app.example.com"]
            [worker_listener.rbac]
            auth_function_id = "auth"
            on_function_registration_function_id = "a"
            on_trigger_registration_function_id = "b"
            on_trigger_type_registration_function_id = "c"
            expose_functions = [
              'match("api::*")',
              { match = "match('x*')", namespace = "shop" },
              { metadata = { public = true, tier = 'match("g*")' } },
            ]

            [[worker_listener]]
            address = "127.0.0.1:3"
            """
        let all = try configuration(toml: text).allWorkerListeners
        #expect(all.map(\.address.port) == [1, 2, 3])
        #expect(all.map(\.access.rules.isTrusted) == [true, false, true])
        #expect(all[1].access.handshakeTimeout == .seconds(3))
        #expect(all[1].access.rules.hookTimeout == 3_000_000_000)
        #expect(all[1].access.middleware == "gate")
        #expect(all[1].access.origins == ["https://app.example.com"])
        let rbac = try #require(all[1].access.rbac)
        #expect(rbac.authentication == "auth")
        #expect([rbac.onFunction, rbac.onTrigger, rbac.onTriggerType] == ["a", "b", "c"])
        #expect(
            rbac.exposed == [
                ExposeRule(.id(Wildcard("api::*"))),
                ExposeRule(.id(Wildcard("x*")), namespace: "shop"),
                ExposeRule(
                    .metadata([
                        "public": .equal(.bool(true)), "tier": .matching(Wildcard("g*")),
                    ])
                ),
            ]
        )
    }

    @Test("are as many as the workers: form lists; the first is the engine's own")
    func yaml() throws {
        let text = """
            workers:
              - name: iii-worker-manager
                config: { port: 49199 }
              - name: iii-worker-manager
                config:
                  host: 127.0.0.1
                  port: 49135
                  handshake_timeout_ms: 500
                  middleware_function_id: gate
                  rbac:
                    auth_function_id: auth
                    expose_functions:
                      - match("api::*")
                      - metadata: { public: true }
              - name: iii-worker-manager
            """
        let workspace = try Workspace(["config.yaml": text])
        let all = try workspace.load().configuration.allWorkerListeners
        #expect(
            all.map(\.address.description)
                == ["127.0.0.1:49199", "127.0.0.1:49135", "127.0.0.1:49134"]
        )
        #expect(all.map(\.access.rules.isTrusted) == [true, false, true])
        #expect(all[1].access.rbac?.exposed.count == 2)
        #expect(all[1].access.middleware == "gate")
        #expect(all[1].access.handshakeTimeout == .milliseconds(500))
    }

    @Test("the engine's own has rules where they are given")
    func first() throws {
        let text = """
            workers:
              - name: iii-worker-manager
                config: { port: 49135, rbac: {} }
            """
        let workspace = try Workspace(["config.yaml": text])
        let all = try workspace.load().configuration.allWorkerListeners
        #expect(all.map(\.access.rules.isTrusted) == [false])
        #expect(all[0].access.rbac == RoleRules())
    }

    @Test(
        "are refused where a rule could mean more than was meant",
        arguments: [
            "expose_functions = [\"api::*\"]", "expose_functions = \"match('a')\"",
            "expose_functions = [{}]", "expose_functions = [{ namespace = \"a\" }]",
            "expose_functions = [{ match = \"a\", metadata = { a = 1 } }]",
            "expose_functions = [{ metadata = {} }]", "expose_functions = [{ match = 1 }]",
            "expose_functions = [{ match = \"a\", name = \"b\" }]",
            "auth_function = \"a\"", "auth_function_id = \"\"",
        ]
    )
    func refused(_ line: String) throws {
        let text = "[[worker_listener]]\naddress = \"127.0.0.1:0\"\n[worker_listener.rbac]\n\(line)"
        #expect(try refusals(["iii.toml": text]).count == 1)
    }

    @Test(
        "are refused where a key is unknown, or the address is missing",
        arguments: [
            "[[worker_listener]]\nrbac = {}",
            "[[worker_listener]]\naddress = \"a:1\"\nport = 1",
            "[[worker_listener]]\naddress = \"a:1\"\norigins = [\"app.example.com\"]",
            "[worker_listener]\naddress = \"a:1\"",
            "[engine]\nrbac = 1",
        ]
    )
    func unknown(_ text: String) throws {
        #expect(try refusals(["iii.toml": text]).count == 1)
    }
}
