import Engine
import JSON
import Primitives

/// A function that the dashboard's user wants called, or enqueued: the body of `POST /api/call` and
/// `POST /api/enqueue`.
struct CallRequest {
    var function: FunctionName
    /// JSON.
    var payload: [UInt8]
    /// Nil: it is called.
    var queue: String?
    /// How long it is waited for the answer, in milliseconds.
    var timeout: Int64

    private static let defaultTimeout: Int64 = 30_000
    private static let timeouts: ClosedRange<Int64> = 1...600_000

    /// - Throws: what is wrong with the body, for whoever sent it.
    init(_ body: [UInt8], isEnqueue: Bool) throws(ErrorBody) {
        let text: JSONText
        do throws(JSONError) {
            text = try JSONText(validating: body)
        } catch {
            throw Self.refusal("the body is no JSON: \(error)")
        }
        do throws(JSONFieldError) {
            let fields = try JSONFields(text)
            let namespace = try fields.optionalString("namespace")
            function = FunctionName(
                namespace: namespace ?? FunctionName.defaultNamespace,
                id: try fields.requiredString("function_id")
            )
            payload = (fields.optionalValue("data") ?? .emptyObject).bytes
            queue = isEnqueue ? try fields.optionalString("queue") ?? "default" : nil
            timeout = try fields.optionalInteger("timeout_ms") ?? Self.defaultTimeout
            guard Self.timeouts.contains(timeout) else {
                throw fields.mismatch("timeout_ms", expected: "1 to 600000 milliseconds")
            }
        } catch {
            throw Self.refusal("\(error)")
        }
    }

    private static func refusal(_ message: String) -> ErrorBody {
        ErrorBody(code: "BAD_REQUEST", message: message)
    }

    /// Whether it leaves everything as it was.
    var onlyReads: Bool { queue == nil && OperatorCall.onlyReads(function) }
}

/// What a call came to, as HTTP says it.
enum CallStatus {
    /// The status for an error of that code.
    static func of(_ code: String, isBuiltin: Bool) -> Int {
        switch code {
        case "function_not_found", "NOT_FOUND": 404
        case "invocation_timeout", "TIMEOUT": 504
        case "STORAGE_FULL": 507
        case "BUSY", "read_refused": 503
        case "payload_too_large": 413
        case "record_unreadable": 500
        // What a function of the engine refuses, the input is to blame for.
        default: isBuiltin ? 400 : 502
        }
    }
}
