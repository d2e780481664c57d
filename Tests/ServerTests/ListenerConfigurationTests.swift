import AccessControl
import Glibc
import JSON
import NetServer
import Primitives
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

    private func token(_ configuration: Configuration) throws(ServeError) -> String? {
        try Token.forPeers(of: configuration, report: Report(isJSON: false, least: .error))?.text
    }

    @Test("have the token of a file, also of one that a link leads to")
    func tokenFile() throws {
        let workspace = try Workspace([
            "iii.toml": "[security]\ntoken_file = \"link\"", "token": "\n secret\n",
        ])
        try #require(symlink("token", "\(workspace.path)/link") == 0)
        let configuration = try workspace.load().configuration
        #expect(try token(configuration) == "secret", "\(workspace.path)")
    }

    @Test("are refused where the file holds no token", arguments: ["", "\n", " \t\n"])
    func emptyTokenFile(text: String) throws {
        let workspace = try Workspace([
            "iii.toml": "[security]\ntoken_file = \"token\"", "token": text,
        ])
        let configuration = try workspace.load().configuration
        let error = #expect(throws: ServeError.self) { try token(configuration) }
        #expect(error?.kind == .configuration)
        #expect(error?.message == "the token file \(workspace.path)/token holds no token")
    }

    @Test("follow no link of the data directory to a token")
    func ownToken() throws {
        let workspace = try Workspace(["sub/token": "secret"])
        try workspace.write("token", "other")
        let set = ["stream.address=0.0.0.0:1"]
        let configuration = try workspace.load(set: set, data: "sub").configuration
        #expect(try token(configuration) == "secret")
        try #require(unlink("\(workspace.path)/sub/token") == 0)
        try #require(symlink("../token", "\(workspace.path)/sub/token") == 0)
        #expect(throws: ServeError.self) { try token(configuration) }
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

    @Test(
        "are refused where another one has the port",
        arguments: [
            (["http.address=127.0.0.1:49134"], "engine.address 127.0.0.1:49134", "http.address"),
            (["http.address=LOCALHOST:49134"], "engine.address 127.0.0.1:49134", "http.address"),
            (["stream.address=0.0.0.0:3111"], "http.address 127.0.0.1:3111", "stream.address"),
            (["stream.address=[::]:3111"], "http.address 127.0.0.1:3111", "stream.address"),
            (["engine.address=127.0.0.1:3111"], "engine.address 127.0.0.1:3111", "http.address"),
            (
                ["observability.dashboard_port=3112"], "stream.address 127.0.0.1:3112",
                "observability.dashboard_address"
            ),
        ]
    )
    func samePort(flags: [String], first: String, second: String) throws {
        let found = try refusals([:], set: flags)
        #expect(found.count == 1, "\(found)")
        let key = try #require(flags[0].split(separator: "=").first)
        let text = try #require(found.first)
        #expect(text.hasPrefix("--set \(key): \(first) and \(second) "), "\(found)")
    }

    @Test("have ports of their own where their hosts differ, nobody listens, or any will do")
    func ownPorts() throws {
        let free = ["engine.address=127.0.0.1:0", "http.address=0.0.0.0:0"]
        let hosts = ["engine.address=127.0.0.1:1", "http.address=127.0.0.2:1"]
        let families = ["engine.address=0.0.0.0:1", "http.address=[::1]:1"]
        let off = ["observability.dashboard=false", "observability.dashboard_port=3111"]
        for flags in [free, hosts, families, off] {
            #expect(try refusals([:], set: flags).isEmpty, "\(flags)")
        }
    }

    @Test("that are listed are named by their lines where they have another's port")
    func listedPort() throws {
        let toml = "[[worker_listener]]\naddress = \"127.0.0.1:3111\""
        let why =
            "worker_listener[0].address 127.0.0.1:3111 and http.address 127.0.0.1:3111 cannot both"
            + " be listened on; give one of them another port"
        #expect(try refusals(["iii.toml": toml]) == ["iii.toml:2: \(why)"])
        let yaml = """
            workers:
              - name: iii-worker-manager
              - name: iii-worker-manager
                config:
                  port: 3111
            """
        #expect(try refusals(["config.yaml": yaml]) == ["config.yaml:5: \(why)"])
        let workspace = try Workspace(["iii.toml": toml])
        let address = try workspace.load(set: ["http.address=127.0.0.1:1"]).effective.first {
            $0.key == "worker_listener[0].address"
        }
        #expect(address?.place == .file("iii.toml", line: 2))
    }
}
