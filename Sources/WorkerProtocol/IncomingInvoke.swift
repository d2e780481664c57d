package import JSON
package import Primitives

/// An ``InvokeFrame`` that is being read: each member where it stands, taken out when it is asked
/// for. The frame with all of them is large, and would be copied on the way to what is made of it.
///
/// Valid only while the message is.
package struct IncomingInvoke {
    private let envelope: Envelope
    private static let message: StaticString = "invokefunction"

    init(_ envelope: Envelope) { self.envelope = envelope }

    package var invocationID: InvocationID? {
        get throws(FrameError) { try envelope.invocationID(in: Self.message) }
    }

    package var functionID: String {
        get throws(FrameError) { try envelope.requiredString(.functionID, in: Self.message) }
    }

    /// `null` when the sender had none.
    package var data: [UInt8] { (envelope.text(.data) ?? .null).bytes }

    package var metadata: JSONText? { envelope.text(.metadata) }

    package var traceparent: String? { envelope.hint(.traceparent) }

    package var baggage: String? { envelope.hint(.baggage) }

    package var namespace: String? {
        get throws(FrameError) { try envelope.string(.namespace, in: Self.message) }
    }

    /// Whether it says anything of where the call is made from.
    package var hasContext: Bool {
        envelope.has(.caller) || envelope.has(.activation) || observeDepth > 0
    }

    package var caller: JSONText? { envelope.text(.caller) }
    package var observeDepth: Int { envelope.count(.observeDepth) }
    package var activation: JSONText? { envelope.text(.activation) }

    /// Nothing that stands there is refused here, so that the caller gets an answer and not a
    /// timeout.
    package var action: InvokeFrame.Action {
        guard var scanner = envelope.scanner(.action) else { return .call }
        var type: JSONSlice?
        var queue: JSONSlice?
        do throws(JSONError) {
            try scanner.beginObject()
            while let key = try scanner.nextMember() {
                let isString = scanner.peek() == .string
                let value = try scanner.skipValue()
                guard isString else { continue }
                if scanner.matches(key, "type") {
                    type = value
                } else if scanner.matches(key, "queue") {
                    queue = value
                }
            }
        } catch {
            type = nil
        }
        guard let type else {
            return .unknown(envelope.text(.action).map(\.description) ?? "")
        }
        if scanner.matches(type, "enqueue") {
            return .enqueue(queue: queue.map(scanner.content) ?? "")
        }
        if scanner.matches(type, "void") { return .void }
        return .unknown(scanner.content(type))
    }
}
