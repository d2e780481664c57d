package import JSON
package import Primitives

/// A trigger of type `http`: this method and path run that function.
package struct HTTPTrigger: Equatable, Sendable {
    package let id: String
    package let function: FunctionName
    /// As registered; the function gets it back in its input.
    package let path: String
    /// Upper case.
    package let method: String
    package let condition: FunctionName?
    /// Asked in this order, behind the condition and before the function.
    package let middleware: [FunctionName]
    /// JSON, handed to the function beside its input.
    package let metadata: JSONText?

    /// The members of a configuration that have another name, each behind the one that counts where
    /// both are there.
    package static let aliases: KeyValuePairs = ["api_path": "path", "http_method": "method"]

    /// The members of a configuration that are read.
    package static let members = [
        "api_path", "path", "http_method", "method", "condition_function_id",
        "middleware_function_ids",
    ]

    /// Reads a trigger's configuration (services 1, A.1): `api_path` or `path`, `http_method` or
    /// `method`, `condition_function_id`, `middleware_function_ids`.
    ///
    /// - Throws: `trigger_registration_failed`, with what is wrong and what is expected.
    package init(
        id: String,
        function: FunctionName,
        config: JSONText,
        metadata: JSONText?
    ) throws(ErrorBody) {
        self.id = id
        self.function = function
        self.metadata = metadata
        let fields = try Self.read { () throws(JSONFieldError) in try JSONFields(config) }
        let path = try Self.read { () throws(JSONFieldError) in
            try fields.string("api_path", or: "path")
        }
        guard let path else {
            throw Self.refusal("api_path is required, for example {\"api_path\": \"/orders/:id\"}")
        }
        self.path = path
        let method = try Self.read { () throws(JSONFieldError) in
            try fields.string("http_method", or: "method")
        }
        self.method = (method ?? "GET").uppercased()
        let condition = try Self.read { () throws(JSONFieldError) in
            try fields.optionalString("condition_function_id")
        }
        self.condition = condition.map { FunctionName(namespace: function.namespace, id: $0) }
        let middleware = try Self.read { () throws(JSONFieldError) in
            try fields.optionalArray("middleware_function_ids")
        }
        self.middleware = (middleware ?? []).compactMap(\.stringValue).map {
            FunctionName(namespace: function.namespace, id: $0)
        }
    }

    /// Whether any request can be for it: a trigger of another method is only there.
    var isRoutable: Bool { Self.methods.contains(method) }

    private static let methods: Set<String> = [
        "GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS",
    ]

    /// What whoever registered it may not have meant; nil: nothing.
    package var doubt: String? {
        if !isRoutable { return "no request is routed by the method \(method)" }
        let literals = segments.filter { Self.parameter($0) == nil }
        if literals.contains(where: { $0.utf8.contains(where: Self.isEncoded) }) {
            return "no request has the path \"\(path)\": blanks, control characters and question "
                + "marks are percent-encoded in one"
        }
        let names = segments.compactMap(Self.parameter)
        if let odd = names.first(where: { !$0.utf8.allSatisfy(Self.isPlain) }) {
            return "the parameter of \"\(path)\" is called \"\(odd)\", all of it: a parameter is a "
                + "whole segment, neither optional nor bound to a pattern"
        }
        guard Set(names.map { Name(String($0)) }).count < names.count else { return nil }
        return "of the parameters of one name in \"\(path)\" the function gets the last"
    }

    /// Whether a byte stands in no path, but percent-encoded.
    private static func isEncoded(_ byte: UInt8) -> Bool {
        byte <= 0x20 || byte == 0x7F || byte == UInt8(ascii: "?")
    }

    /// Whether a byte is one that the names of parameters usually have: a letter, which may be one
    /// beyond ASCII, a digit, `_` or `-`.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), 0x80...:
            true
        default: false
        }
    }

    /// The path in pieces; leading slashes make no difference, a trailing one does.
    package var segments: [Substring] { Self.split(path.utf8.drop { $0 == UInt8(ascii: "/") }) }

    /// A request's path in pieces; nil: it is none, as that of `OPTIONS *`.
    static func segments(ofRequest path: String) -> [Substring]? {
        guard path.utf8.first == UInt8(ascii: "/") else { return nil }
        return split(path.utf8.dropFirst())
    }

    /// Byte by byte, as paths are compared: a character may be a slash with an accent.
    private static func split(_ path: Substring.UTF8View) -> [Substring] {
        path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { Substring($0) }
    }

    /// The name of a parameter segment (`:id` or `{id}`); nil: the segment is literal.
    static func parameter(_ segment: Substring) -> Substring? {
        let bytes = segment.utf8
        if bytes.first == UInt8(ascii: ":") { return Substring(bytes.dropFirst()) }
        if bytes.first == UInt8(ascii: "{"), bytes.last == UInt8(ascii: "}") {
            return Substring(bytes.dropFirst().dropLast())
        }
        return nil
    }

    static func refusal(_ message: String) -> ErrorBody {
        ErrorBody(code: "trigger_registration_failed", message: "http trigger: \(message)")
    }

    private static func read<Value>(
        _ body: () throws(JSONFieldError) -> Value
    ) throws(ErrorBody) -> Value {
        do { return try body() } catch { throw refusal(error.description) }
    }
}

extension JSONFields {
    /// The member of either name; the first wins.
    fileprivate func string(
        _ name: String,
        or alias: String
    ) throws(JSONFieldError) -> String? {
        if let value = try optionalString(name) { return value }
        return try optionalString(alias)
    }
}
