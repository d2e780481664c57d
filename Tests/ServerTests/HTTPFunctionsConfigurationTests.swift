import HTTPFunctions
import Primitives
import Testing

@testable import Server

@Suite("Settings of functions invoked by HTTP")
struct HTTPFunctionsConfigurationTests {
    private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    @Test("begin with what is safe")
    func defaults() throws {
        let settings = try configuration(toml: "").httpFunctions
        let environment = ["III_SECRET_A": "x", "HOME": "y", "III_SECURITY__TOKEN": "z"]
        let policy = settings.policy(environment, ownAddresses: [])
        #expect(policy.requiresHTTPS && policy.blocksPrivate)
        #expect(policy.knownSecrets == ["III_SECRET_A"])
        #expect(policy.hosts.map(\.text) == ["*"])
    }

    @Test("are read from TOML")
    func toml() throws {
        let text = """
            [http_functions]
            url_allowlist = ["*.Example.com"]
            require_https = false
            block_private_ips = false
            allowed_ranges = ["10.1.0.0/16", "fd00::/8"]
            ports = [443, "8000-8999"]
            secrets = ["STRIPE_KEY@api.stripe.com"]
            max_response_bytes = "1MiB"
            ca_file = "/etc/ca.pem"
            """
        let settings = try configuration(toml: text).httpFunctions
        let own = try address("8.8.8.8")
        let policy = settings.policy(["STRIPE_KEY": "x"], ownAddresses: [own])
        #expect(policy.hosts.map(\.text) == ["*.example.com"])
        #expect(!policy.requiresHTTPS && !policy.blocksPrivate)
        #expect(policy.allowedRanges.map(\.prefix) == [16, 8])
        #expect(policy.ports?.map(\.description) == ["443", "8000-8999"])
        #expect(policy.knownSecrets == ["STRIPE_KEY"])
        #expect(policy.ownAddresses == [own])
        #expect(settings.maxResponseBytes == 1 << 20)
        #expect(settings.caFile == "/etc/ca.pem")
    }

    @Test("carry the secrets of their listener: none of one with rules, unless it has its own")
    func listenerSecrets() throws {
        let text = """
            [http_functions]
            secrets = ["COMMON"]
            [[worker_listener]]
            address = "127.0.0.1:1"
            [worker_listener.rbac]
            expose_functions = []
            [[worker_listener]]
            address = "127.0.0.1:2"
            http_function_secrets = ["PARTNER@partner.example"]
            [worker_listener.rbac]
            expose_functions = []
            """
        let whole = try configuration(toml: text)
        let rules = whole.allWorkerListeners.map {
            $0.access.secrets(whole.httpFunctions.secrets).map(\.description)
        }
        #expect(rules == [["COMMON"], [], ["PARTNER@partner.example"]])
    }

    @Test("are read from flags, with commas")
    func flags() throws {
        let workspace = try Workspace()
        let loaded = try workspace.load(
            set: ["http_functions.allowed_ranges=127.0.0.0/8,::1", "http_functions.ports=1,2-3"]
        )
        #expect(loaded.configuration.httpFunctions.allowedRanges.map(\.prefix) == [8, 128])
        #expect(loaded.configuration.httpFunctions.ports?.map(\.ports) == [1...1, 2...3])
        let shown = loaded.effective.first { $0.key == "http_functions.ports" }
        #expect(shown?.value == #"[1, "2-3"]"#)
    }

    @Test("are read from the workers: form")
    func yaml() throws {
        let workspace = try Workspace([
            "config.yaml": """
            workers:
              - name: iii-http-functions
                config:
                  security:
                    url_allowlist: ["a.example"]
                    block_private_ips: false
                    require_https: false
            """
        ])
        let settings = try workspace.load().configuration.httpFunctions
        #expect(settings.urlAllowlist.map(\.text) == ["a.example"])
        #expect(!settings.requireHTTPS && !settings.blockPrivateIPs)
    }

    @Test("let functions reach nothing where a block names no host, and say so")
    func unlisted() throws {
        let text = """
            workers:
              - name: iii-http-functions
                config:
                  security: { require_https: false }
            """
        let loaded = try Workspace(["config.yaml": text]).load()
        #expect(loaded.configuration.httpFunctions.urlAllowlist.isEmpty)
        #expect(loaded.warnings.contains { "\($0)".contains("reach no host") })
        let bare = try Workspace(["config.yaml": "workers:\n  - name: iii-http-functions"]).load()
        #expect(bare.configuration.httpFunctions.urlAllowlist.map(\.text) == ["*"])
        #expect(bare.warnings.isEmpty)
    }

    @Test(
        "are refused where they mean nothing",
        arguments: [
            "url_allowlist = [\"[\"]", "allowed_ranges = [\"10/8\"]", "ports = [0]",
            "ports = [\"9-8\"]",
            "secrets = [\"\"]", "url_allowlist = \"*\"", "max_response_bytes = \"1GiB\"",
            "redirects = true",
        ]
    )
    func refused(_ line: String) throws {
        #expect(try refusals(["iii.toml": "[http_functions]\n\(line)"]).count == 1)
    }

    @Test("are refused in the workers: form where they are unknown")
    func unknown() throws {
        let text = """
            workers:
              - name: iii-http-functions
                config:
                  security: { url_allow_list: ["*"], url_allowlist: ["*"] }
            """
        let found = try refusals(["config.yaml": text])
        #expect(found.count == 1 && found[0].contains("did you mean \"url_allowlist\""))
    }
}
