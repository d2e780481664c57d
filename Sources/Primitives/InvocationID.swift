/// The id by which an answer finds its call. Engines and SDKs make UUIDs; whatever else a caller
/// sends is kept as it came, so that it is echoed unchanged.
package enum InvocationID: Hashable, Sendable, CustomStringConvertible {
    /// Spelled in the canonical lower-case form.
    case uuid(UUID128)
    case text(String)

    package init(_ text: String) {
        var copy = text
        self = copy.withUTF8 { UUID128($0) }.map(InvocationID.uuid) ?? .text(text)
    }

    package var description: String {
        switch self {
        case .uuid(let id): id.description
        case .text(let text): text
        }
    }
}
