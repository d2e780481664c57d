import JSON

/// One JSON value as UTF-8 text: for payloads that are only passed on, or that have a codec of
/// their own.
public struct RawJSON: Hashable, Sendable {
    /// The text.
    public let bytes: [UInt8]

    /// Takes text that is known to be one JSON value, like what another function answered. It is
    /// not looked at; an engine drops a message that holds anything else.
    public init(trusted bytes: [UInt8]) { self.bytes = bytes }

    /// Checks that `text` is one JSON value.
    public init(_ text: String) throws(SDKError) {
        do throws(JSONError) { bytes = try JSONText(validating: Array(text.utf8)).bytes } catch {
            throw SDKError(code: .serialization, message: "this is not JSON: \(error)")
        }
    }

    /// JSON's `null`.
    public static let null = RawJSON(trusted: Array("null".utf8))

    /// The text, decoded.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The value as `Value`.
    public func decoded<Value: Decodable>(
        as type: Value.Type = Value.self
    ) throws(SDKError)
        -> Value
    {
        try JSONCoding.decode(type, from: bytes, what: "the value")
    }

    init(_ text: JSONText) { bytes = text.bytes }
}
