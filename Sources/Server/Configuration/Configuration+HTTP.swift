package import HTTP
import JSON
package import NetServer
package import Primitives

extension Configuration {
    /// The listener for HTTP triggers, and what holds for all of their requests.
    package struct HTTP: Equatable, Sendable {
        package var address = ListenAddress(host: "127.0.0.1", port: 3111)
        /// How long a function may take to answer before the client gets a 504; above zero.
        package var timeout = Timestamp.Span.seconds(30)
        /// Asked before the route's own middleware, by priority.
        package var middleware: [Middleware] = []
        /// How long one middleware function may take; nil: as long as the request.
        package var middlewareTimeout: Timestamp.Span?
        /// Nil: pages of every origin may see responses.
        package var cors: CORS.Rules?
        /// Requests at the same time; more wait.
        package var concurrency: UInt32 = 1024
        /// How long after a start a request for a route whose worker is not back yet gets a 503 and
        /// not a 404; zero: not at all.
        package var reconnectGrace = Timestamp.Span.seconds(10)
        /// Headers that are not recorded, beside those that are known to carry credentials.
        package var redactHeaders: [String] = []
        /// How long an `Idempotency-Key` counts; zero: it is the function's own.
        package var idempotencyExpiry = Timestamp.Span.seconds(86_400)
        /// How many keys are remembered.
        package var idempotencyKeys: UInt32 = 200_000
        /// The largest request body, in bytes; at most what fits a record.
        package var bodyLimit = 10 << 20
        /// What the bodies of all requests may take at the same time, in bytes.
        package var bodyMemory = 256 << 20
        /// The request line and the headers, in bytes.
        package var headerLimit = 16 << 10
        package var headerCount: UInt32 = 100
        /// From the accept to the end of the first request's head.
        package var headerTimeout = Timestamp.Span.seconds(10)
        /// Between two pieces of a body.
        package var bodyTimeout = Timestamp.Span.seconds(30)
        /// From a reply to the end of the next request's head.
        package var idleTimeout = Timestamp.Span.seconds(60)
        package var maxConnections: UInt32 = 20_000
        /// Files in PEM, absolute once loaded; both, or none: without TLS.
        package var tlsCertificate: String?
        package var tlsKey: String?

        package init() {}
    }

    /// A function that is asked about every request.
    package struct Middleware: Equatable, Sendable {
        /// The only one that is acted on.
        package static let phase = "preHandler"

        package var function: String
        package var phase: String
        package var priority: Int64

        package init(function: String, phase: String = phase, priority: Int64 = 0) {
            self.function = function
            self.phase = phase
            self.priority = priority
        }
    }
}

extension Configuration.HTTP {
    static let fields: [Field<Self>] = [
        Field("address", \.address, .address),
        Field("timeout", \.timeout, .positiveSpan),
        Field("middleware", \.middleware, .middleware),
        Field(optional: "middleware_timeout", \.middlewareTimeout, .positiveSpan),
        Field(optional: "cors", \.cors, .cors),
        Field("concurrency_request_limit", \.concurrency, .integer(1 ... .max)),
        Field("reconnect_grace", \.reconnectGrace, .span),
        Field("redact_headers", \.redactHeaders, .headerNames),
        Field("idempotency_expiry", \.idempotencyExpiry, .span),
        Field("idempotency_keys", \.idempotencyKeys, .integer(1...100_000_000)),
        Field("body_limit", \.bodyLimit, .size(1...Limits.recordBytes)),
        Field("body_memory", \.bodyMemory, .size(1 << 20...1 << 40)),
        Field("header_limit", \.headerLimit, .size(1 << 10...1 << 20)),
        Field("header_count", \.headerCount, .integer(8...10_000)),
        Field("header_timeout", \.headerTimeout, .positiveSpan),
        Field("body_timeout", \.bodyTimeout, .positiveSpan),
        Field("idle_timeout", \.idleTimeout, .positiveSpan),
        Field("max_connections", \.maxConnections, .integer(1...1_000_000)),
        Field(optional: "tls_certificate", \.tlsCertificate, .path),
        Field(optional: "tls_key", \.tlsKey, .path),
    ]

    /// The same for the engine.
    var rules: HTTPRules {
        var rules = HTTPRules()
        // `sorted` keeps the order of equal ones.
        rules.middleware = middleware.filter { $0.phase == Configuration.Middleware.phase }
            .sorted { $0.priority < $1.priority }.map(\.function)
        rules.middlewareTimeout = UInt64(max(0, (middlewareTimeout ?? timeout).nanoseconds))
        rules.concurrency = Int(concurrency)
        rules.reconnectGrace = UInt64(max(0, reconnectGrace.nanoseconds))
        rules.idempotencyExpiry = UInt64(max(0, idempotencyExpiry.nanoseconds))
        rules.idempotencyKeys = Int(idempotencyKeys)
        rules.secrets = SecretHeaders(redactHeaders)
        return rules
    }
}

extension Kind where Value == [Configuration.Middleware] {
    fileprivate static let middleware = Kind(
        expectation: "a list of tables, each of function_id, and perhaps phase and priority",
        holdsTables: true,
        read: { $0.elements(Configuration.Middleware.read) },
        show: { all in
            let tables = all.map { one in
                "{ function_id = \(JSONText(string: one.function)), "
                    + "phase = \(JSONText(string: one.phase)), priority = \(one.priority) }"
            }
            return "[" + tables.joined(separator: ", ") + "]"
        }
    )
}

extension Configuration.Middleware {
    /// A key that is not known may be one that restricts, and is refused.
    fileprivate static func read(_ setting: Setting) throws(SettingError) -> Self {
        var one = Self(function: "")
        try setting.readTable([
            "function_id": "the id of a function", "phase": "a string such as \"preHandler\"",
            "priority": "an integer",
        ]) { key, setting in
            switch (key, setting.value) {
            case ("function_id", .string(let id)) where !id.isEmpty: one.function = id
            case ("phase", .string(let name)): one.phase = name
            case ("priority", .integer(let number)): one.priority = number
            default: return false
            }
            return true
        }
        if one.function.isEmpty { throw .lacks(setting, key: "function_id") }
        return one
    }
}

extension Kind where Value == CORS.Rules {
    fileprivate static let cors = Kind(
        expectation: "a table of allowed_origins, a list such as [\"https://app.example.com\"], and"
            + " allowed_methods, a list such as [\"GET\", \"POST\"]",
        holdsTables: true,
        read: { value in
            guard case .table(let entries) = value else { return .wrongType }
            return Reading { () throws(SettingError) in try CORS.Rules.read(entries) }
        },
        show: { rules in
            func list(_ texts: [String]) -> String {
                "[" + texts.map { JSONText(string: $0).description }.joined(separator: ", ") + "]"
            }
            return "{ allowed_origins = \(list(rules.origins)),"
                + " allowed_methods = \(list(rules.methods)) }"
        }
    )
}

extension CORS.Rules {
    fileprivate static func read(_ entries: [Setting.Entry]) throws(SettingError) -> Self {
        var rules = Self()
        try entries.read([
            "allowed_origins": "a list such as [\"https://app.example.com\"]",
            "allowed_methods": "a list such as [\"GET\", \"POST\"]",
        ]) { key, setting in
            guard let list = setting.texts else { return false }
            if key == "allowed_origins" {
                rules.origins = list
                return list.allSatisfy(\.isVisible)
            }
            rules.methods = list
            return list.allSatisfy(\.isToken)
        }
        return rules
    }
}

extension Kind where Value == [String] {
    fileprivate static let headerNames = Kind.list(
        "a list of header names, such as [\"x-session\"]",
        show: { $0 },
        parse: { $0.isToken ? $0.lowercased() : nil }
    )
}

extension Setting {
    /// The strings of a list; nil for anything else.
    fileprivate var texts: [String]? {
        guard case .array(let elements) = value else { return nil }
        let texts = elements.compactMap { element -> String? in
            guard case .string(let text) = element.value else { return nil }
            return text
        }
        return texts.count == elements.count ? texts : nil
    }
}

extension String {
    fileprivate var isVisible: Bool { !isEmpty && utf8.allSatisfy { (0x21...0x7E).contains($0) } }

    /// RFC 9110, 5.6.2, as far as names of headers and methods go.
    fileprivate var isToken: Bool {
        isVisible && !utf8.contains { "()<>@,;:\\\"/[]?={}".utf8.contains($0) }
    }
}
