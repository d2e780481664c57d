import JSON
import Primitives
import Testing

@testable import HTTPFunctions

@Suite("Where functions may lead")
struct PolicyTests {
    private func refusal(
        _ url: String,
        _ adjust: (inout OutboundPolicy) -> Void = { _ in }
    ) throws -> String? {
        var policy = OutboundPolicy()
        adjust(&policy)
        let url = try #require(WebAddress(url))
        do {
            try policy.check(url)
            return nil
        } catch {
            #expect(error.code == "url_validation_failed")
            return error.message
        }
    }

    @Test("is anywhere public by HTTPS, unless said otherwise")
    func defaults() throws {
        #expect(try refusal("https://fn.example.com/") == nil)
        #expect(try refusal("http://fn.example.com/")?.hasPrefix("HTTPS is required") == true)
        #expect(try refusal("http://fn.example.com/") { $0.requiresHTTPS = false } == nil)
        #expect(try refusal("https://127.0.0.1/")?.hasPrefix("Private IP blocked") == true)
        #expect(try refusal("https://[::ffff:a9fe:a9fe]/")?.hasPrefix("Private IP") == true)
        #expect(try refusal("https://8.8.8.8/") == nil)
        #expect(try refusal("https://8.8.8.8:443/") == nil)
        for port in ["80", "8443", "22"] {
            let message = try refusal("https://8.8.8.8:\(port)/")
            #expect(message?.hasPrefix("port \(port) is not among") == true)
        }
        #expect(try refusal("http://8.8.8.8:443/") { $0.requiresHTTPS = false } != nil)
        #expect(try refusal("https://10.0.0.1/") { $0.blocksPrivate = false } == nil)
    }

    @Test("is a matter of host names and ports, where they are listed")
    func lists() throws {
        let listed: (inout OutboundPolicy) -> Void = {
            $0.hosts = [Glob("*.example.com")].compactMap { $0 }
            $0.ports = [PortRange("443"), PortRange("8000-8999")].compactMap { $0 }
        }
        #expect(try refusal("https://fn.example.com/", listed) == nil)
        #expect(try refusal("https://FN.example.com./", listed) == nil)
        #expect(try refusal("https://example.org/", listed)?.hasPrefix("URL not in allow") == true)
        #expect(try refusal("https://fn.example.com:22/", listed)?.hasPrefix("port 22") == true)
        #expect(try refusal("https://fn.example.com:8999/", listed) == nil)
        #expect(try refusal("https://fn.example.com:9000/", listed) != nil)
        #expect(try refusal("https://a.example/") { $0.hosts = [] } != nil)
    }

    @Test("depends on every address of a name")
    func addresses() throws {
        let good = try #require(IPAddress("1.1.1.1"))
        let bad = try #require(IPAddress("10.0.0.1"))
        var policy = OutboundPolicy()
        #expect(throws: Never.self) { try policy.check([good], of: "a.example") }
        #expect(throws: ErrorBody.self) { try policy.check([good, bad], of: "a.example") }
        #expect(throws: ErrorBody.self) { try policy.check([], of: "a.example") }
        policy.allowedRanges = [try #require(AddressRange("10.0.0.0/24"))]
        #expect(throws: Never.self) { try policy.check([good, bad], of: "a.example") }
        let mapped = try #require(IPAddress("::ffff:10.0.0.1"))
        #expect(throws: Never.self) { try policy.check([mapped], of: "a.example") }
        policy.ownAddresses = [good]
        #expect(throws: ErrorBody.self) { try policy.check([good], of: "a.example") }
    }

    @Test("what a function may carry is listed, bound to hosts, and set")
    func secrets() throws {
        var policy = OutboundPolicy()
        policy.secrets = ["III_SECRET_*", "STRIPE@*.stripe.com"].compactMap { SecretRule($0) }
        policy.knownSecrets = ["III_SECRET_A", "STRIPE", "PATH"]
        func refused(_ name: String, _ host: String) -> Bool {
            (try? policy.check(secret: name, for: host, missing: "x")) == nil
        }
        #expect(!refused("III_SECRET_A", "anywhere.example"))
        #expect(refused("III_SECRET_B", "anywhere.example"))
        #expect(refused("PATH", "anywhere.example"))
        #expect(!refused("STRIPE", "api.stripe.com"))
        #expect(refused("STRIPE", "evil.example"))
    }
}

@Suite("Endpoints of functions")
struct EndpointTests {
    private func endpoint(_ json: String) throws -> Endpoint {
        var policy = OutboundPolicy()
        policy.knownSecrets = ["III_SECRET_K"]
        return try Endpoint(JSONText(validating: Array(json.utf8)), policy)
    }

    private func code(_ json: String) throws -> String? {
        do {
            _ = try endpoint(json)
            return nil
        } catch let error as ErrorBody {
            return error.code
        }
    }

    @Test("have defaults")
    func defaults() throws {
        let endpoint = try endpoint(#"{"url":"https://a.example/x"}"#)
        #expect(endpoint.method == .POST)
        #expect(endpoint.timeout == 30_000)
        #expect(endpoint.headers.isEmpty)
        #expect(endpoint.authentication == nil)
    }

    @Test("are read whole")
    func whole() throws {
        let endpoint = try endpoint(
            #"""
            {"url":"https://a.example/x","method":"PUT","timeout_ms":5,"headers":{"x-app":"1"},
             "auth":{"type":"api_key","header":"x-key","value_key":"III_SECRET_K"}}
            """#
        )
        #expect(endpoint.method == .PUT)
        #expect(endpoint.timeout == 5)
        #expect(endpoint.headers == [Endpoint.Header(name: "x-app", value: "1")])
        #expect(endpoint.authentication == .apiKey(header: "x-key", secret: "III_SECRET_K"))
    }

    @Test(
        "are refused with the code of what is wrong",
        arguments: [
            (#""x""#, "INVALID_ARGUMENTS"), ("{}", "INVALID_ARGUMENTS"),
            (#"{"url":"nothing"}"#, "url_validation_failed"),
            (#"{"url":"http://a.example"}"#, "url_validation_failed"),
            (#"{"url":"https://127.0.0.1"}"#, "url_validation_failed"),
            (#"{"url":"https://a.example","method":"TRACE"}"#, "INVALID_ARGUMENTS"),
            (#"{"url":"https://a.example","timeout_ms":0}"#, "INVALID_ARGUMENTS"),
            (#"{"url":"https://a.example","timeout_ms":3600001}"#, "INVALID_ARGUMENTS"),
            (#"{"url":"https://a.example","headers":{"host":"b"}}"#, "INVALID_ARGUMENTS"),
            (#"{"url":"https://a.example","headers":{"Content-Length":"1"}}"#, "INVALID_ARGUMENTS"),
            (#"{"url":"https://a.example","headers":{"a b":"c"}}"#, "INVALID_ARGUMENTS"),
            (#"{"url":"https://a.example","headers":{"a":"b\r\nc: d"}}"#, "INVALID_ARGUMENTS"),
            (#"{"url":"https://a.example","headers":{"a":1}}"#, "INVALID_ARGUMENTS"),
            (#"{"url":"https://a.example","auth":{"type":"basic"}}"#, "INVALID_ARGUMENTS"),
            (
                #"{"url":"https://a.example","auth":{"type":"hmac","secret_key":"HOME"}}"#,
                "secret_not_found"
            ),
            (
                #"{"url":"https://a.example","auth":{"type":"bearer","token_key":"III_SECRET_X"}}"#,
                "token_not_found"
            ),
            (
                #"{"url":"https://a.example","auth":{"type":"api_key","header":"k","value_key":"X"}}"#,
                "api_key_not_found"
            ),
        ]
    )
    func refused(_ json: String, _ expected: String) throws {
        #expect(try code(json) == expected)
    }

    @Test("have so many headers of so many bytes, and no more")
    func headers() throws {
        func refusal(_ headers: String...) -> String? {
            let all = headers.joined(separator: ",")
            let json = #"{"url":"https://a.example","headers":{\#(all)}}"#
            do {
                _ = try endpoint(json)
                return nil
            } catch {
                return "\(error)"
            }
        }
        func many(_ count: Int) -> String {
            (0..<count).map { #""a\#($0)":"1""# }.joined(separator: ",")
        }
        #expect(refusal(many(100)) == nil)
        #expect(refusal(many(101))?.contains("at most 100 headers") == true)
        let long = String(repeating: "x", count: 8191)
        #expect(refusal(#""a":"\#(long)""#, #""b":"\#(long)""#) == nil)
        let more = refusal(#""a":"\#(long)""#, #""b":"\#(long)y""#)
        #expect(more?.contains("16384 bytes") == true)
    }
}
