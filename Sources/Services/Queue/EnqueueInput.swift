package import JSON
package import Primitives

/// The input of `engine::queue::enqueue`: the enqueue action as a function (services 2, A.3).
package struct EnqueueInput: Equatable, Sendable {
    package let queue: String
    package let target: FunctionName
    /// JSON.
    package let payload: [UInt8]
    /// What the caller has told the producer; nil: nothing yet.
    package let receipt: UUID128?
    package let baggage: String?

    private static let keys = [
        "baggage", "data", "function_id", "messageReceiptId", "namespace", "queue", "traceparent",
    ]

    /// - Throws: `deserialization_error` for what is missing, unknown or of another type, and
    ///   `enqueue_error` for a receipt that is none.
    package init(_ input: JSONText) throws(ErrorBody) {
        let receipt: String?
        do throws(JSONFieldError) {
            let fields = try JSONFields(input)
            try fields.refuseOthers(than: Self.keys)
            let namespace = try fields.optionalString("namespace")
            target = FunctionName(
                namespace: namespace ?? FunctionName.defaultNamespace,
                id: try fields.requiredString("function_id")
            )
            queue = try fields.requiredString("queue")
            payload = try fields.requiredValue("data").bytes
            receipt = try fields.optionalString("messageReceiptId")
            baggage = try fields.optionalString("baggage")
        } catch {
            throw ErrorBody(
                code: "deserialization_error",
                message: "Failed to deserialize input for engine::queue::enqueue: \(error)"
            )
        }
        self.receipt = receipt.flatMap { UUID128($0) }
        guard let receipt, self.receipt == nil else { return }
        throw QueueView.enqueueError(
            receipt.isEmpty ? "messageReceiptId is required" : "messageReceiptId must be a UUID"
        )
    }
}
