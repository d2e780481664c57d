package import HTTP
package import JSON
package import Primitives

/// What leaves the engine. Each is held until the record that it depends on is on disk.
///
/// Small, whatever it holds: a receipt, the one that comes by the hundred thousand, is kept in
/// place, and the rest behind a reference.
package enum Effect: Sendable {
    case send(ConnectionID, Message)
    /// Asks a worker's socket whether its peer is still there; see
    /// ``Command/answeredProbe(_:)``.
    case probe(ConnectionID)
    /// Ends a worker's connection with a WebSocket close code.
    indirect case close(ConnectionID, code: UInt16, reason: String)
    indirect case respond(ExchangeID, HTTPReply, trace: TraceID?)

    /// A message to a worker.
    package enum Message: Sendable {
        indirect case registered(worker: UUID128, token: UUID128)
        indirect case rejected(Rejection)
        indirect case triggerFailed(id: String, type: String, function: String, ErrorBody)
        /// To the provider of a trigger's type.
        indirect case bind(Binding)
        indirect case unbind(id: String, type: String)
        indirect case invoke(Dispatch)
        indirect case answer(InvocationID, function: String, FunctionResult, Propagation)
        /// The answer to an enqueue that waits for one.
        case receipt(Call, UUID128)
    }

    /// A function to run.
    package struct Dispatch: Sendable {
        package var invocation: UUID128
        package var function: String
        package var payload: [UInt8]
        package var metadata: JSONText?
        package var traceparent: TraceParent
        package var baggage: String?
        /// The worker that asked; nil: the engine did.
        package var caller: UUID128?
    }

    /// A refused registration, of a function or of the worker by its name.
    package struct Rejection: Sendable {
        package var code: String
        package var namespace: String
        package var function: String?
        package var worker: String?
        package var owner: UUID128?
    }

    /// A trigger, as the provider of its type is told of it.
    package struct Binding: Sendable {
        package var id: String
        package var type: String
        package var function: String
        package var config: JSONText
        package var metadata: JSONText?
        /// Where the function is; nil: in the default namespace.
        package var namespace: String?
        /// Where the provider is; nil: in the default namespace.
        package var typeNamespace: String?
    }

    /// The event loop that carries it out.
    package var loop: Int {
        switch self {
        case .send(let connection, _), .probe(let connection), .close(let connection, _, _):
            connection.loop
        case .respond(let exchange, _, _): exchange.loop
        }
    }
}
