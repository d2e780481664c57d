import JSON
package import Primitives

/// What can be told of a message that is no frame: who waits for it.
///
/// Its members are read as far as it is JSON, however deep that is nested.
package struct UnreadableFrame: Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
        /// A call: its sender waits for an answer.
        case invoke
        /// The answer that somebody else waits for.
        case result
    }

    package let kind: Kind
    package let invocationID: InvocationID
    /// Empty where the message names none.
    package let functionID: String

    /// Nil: nobody waits for the message, or it does not say who.
    package init?(_ bytes: UnsafeBufferPointer<UInt8>) {
        var type: MessageType?
        var id: String?
        var function = ""
        var scanner = JSONScanner(bytes, depthLimit: .max)
        do throws(JSONError) {
            try scanner.beginObject()
            while let key = try scanner.nextMember() {
                if scanner.peek() != .string {
                    _ = try scanner.skipValue()
                } else if scanner.matches(key, "type") {
                    type = MessageType(try scanner.string())
                } else if scanner.matches(key, "invocation_id") {
                    id = try scanner.string()
                } else if scanner.matches(key, "function_id") {
                    function = try scanner.string()
                } else {
                    _ = try scanner.skipValue()
                }
            }
        } catch {
            // What stands before the place where it stops being JSON counts.
        }
        guard let id else { return nil }
        switch type {
        case .invokeFunction?: kind = .invoke
        case .invocationResult?: kind = .result
        default: return nil
        }
        invocationID = InvocationID(id)
        functionID = function
    }
}
