package import AccessControl
package import CommitLog
package import HTTP
package import HTTPFunctions
package import JSON
package import Observability
package import Primitives
package import Queue
package import State

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
    /// The body of a request that came without it, answered by ``Command/requestBody(_:_:)`` unless
    /// that is abandoned; the trace of one of which something is recorded.
    indirect case readBody(ExchangeID, trace: TraceID?)
    /// The response is what its function writes, and nothing else from now on.
    indirect case stream(ExchangeID, trace: TraceID)
    /// The function of such a response has failed; of one that is not there any more, it is
    /// nothing.
    case streamFailed(ExchangeID)
    /// A channel that a worker made, and is told of behind this.
    indirect case open(Channel, for: ConnectionID)
    /// A function to run by a request to somewhere else; answered by ``Command/fetched(_:_:)``.
    indirect case fetch(Fetch)

    /// What the log is to be asked; answered by ``Command/logRead(_:_:)``, but of messages by
    /// ``Command/foundMessages(_:_:)``.
    indirect case readLog(LogQuery)
    /// What the follower of the log is to be asked; answered by
    /// ``Command/telemetryAnswered(_:_:alerts:)``.
    indirect case queryTelemetry(TelemetryQuery)
    /// Spans that have begun, of which nothing is recorded, for who follows the log.
    indirect case began([ReportedSpan])
    /// Whether who follows the log is to tell of traces: ``Command/sawTraces(_:)``.
    case watchTraces(Bool)
    /// Which spans who follows the log is to tell of: ``Command/sawSpans(_:)``.
    indirect case watchSpans(WatchedSpans)
    /// A message to a server that the operator named; nothing comes back.
    indirect case notify(Webhook)
    /// Something for sockets that subscribe to streams.
    indirect case toSubscribers(StreamEffect)

    /// What the engine was like when a ``Command/requestPicture(_:)`` asked.
    indirect case picture(PictureRequest, EnginePicture)

    /// Lets a socket in that asked, or not.
    indirect case admit(AdmissionID, Verdict)

    /// What becomes of a socket that asks to be let in.
    package enum Verdict: Sendable {
        /// With these rights; nil: all.
        case admitted(Access?)
        case refused(status: Int, reason: String)
        /// Nobody could be asked: the connection ends without an answer, and workers try again. Old
        /// SDKs give up for good at any status (protocol 1.1).
        case dropped
    }

    /// A question to the log, whose records below `end` are on disk.
    package struct LogQuery: Sendable {
        package var id: UInt64
        package var question: Question
        package var end: Offset
        /// Where to begin reading for changes; nil: the core does not know.
        package var entrance: ScanStart?

        package enum Question: Sendable {
            /// What the state was.
            case state(StateQuestion)
            /// What became of a message.
            case job(MessageQuery)
            /// What its files hold.
            case segments(SegmentQuestion)
        }
    }

    /// A question to who follows the log, and has come to `end`.
    package struct TelemetryQuery: Sendable {
        package var id: UInt64
        package var function: TelemetryFunction
        package var input: JSONText
        package var context: TelemetryContext
        package var end: Offset
    }

    /// A message to a server: that an alert fires.
    package struct Webhook: Equatable, Sendable {
        package var alert: String
        package var url: String
        package var body: [UInt8]
    }

    /// A message to a worker.
    package enum Message: Sendable {
        indirect case registered(worker: UUID128, token: UUID128, features: [String])
        indirect case rejected(Rejection)
        indirect case triggerFailed(id: String, type: String, function: String, ErrorBody)
        /// To the provider of a trigger's type.
        indirect case bind(Binding)
        indirect case unbind(id: String, type: String)
        indirect case invoke(Dispatch)
        indirect case answer(InvocationID, function: String, FunctionResult, Propagation)
        /// The answer to an enqueue that waits for one.
        case receipt(Call, UUID128)
        indirect case observe(ObserveMessage)
        case pong
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
        /// Only for workers that declared `observe.v1`.
        package var observation: Observation?
        /// Whether it is a queue's message, or is asked about one: its worker may leave unread what
        /// queues hand to it (``Limits/unreadBytesMax``).
        package var isOfQueue = false
    }

    /// Where a call comes from, and whether it is an observer's activation (protocol 12.6).
    package final class Observation: Sendable {
        /// Nil: the engine itself called.
        package let caller: Caller?
        /// How many observers the chain of calls has gone through.
        package let depth: Int
        package let activation: (observer: String, id: UUID128)?

        init(caller: Caller?, depth: Int, activation: (observer: String, id: UUID128)?) {
            self.caller = caller
            self.depth = depth
            self.activation = activation
        }
    }

    /// A data channel (protocol 7).
    package struct Channel: Sendable {
        package var id: ChannelID
        /// Who has it may attach to either end.
        package var key: UUID128
        /// How many messages may be on their way.
        package var messages: Int
        /// How many bytes, but for a message that is larger alone.
        package var bytes: Int
    }

    /// A request that runs a function.
    package struct Fetch: Sendable {
        /// The connection that registered the function: its event loop makes the request.
        package var owner: ConnectionID
        package var endpoint: Endpoint
        package var dispatch: Dispatch
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

    /// The bytes of what it carries, where that may be large: as many again are written by whoever
    /// carries it out. Looks into nothing, since it is asked of every effect.
    var payloadBytes: Int {
        switch self {
        case .send(_, .invoke(let dispatch)): dispatch.payload.count
        case .send(_, .answer(_, _, .value(let bytes), _)): bytes.count
        case .respond(_, let reply, _): reply.body.count
        case .fetch(let fetch): fetch.dispatch.payload.count
        case .toSubscribers(.send(_, let message)), .toSubscribers(.push(_, let message)):
            message.json.count
        default: 0
        }
    }

    /// The event loop that carries it out.
    package var loop: Int {
        switch self {
        case .send(let connection, _), .probe(let connection), .close(let connection, _, _):
            connection.loop
        case .respond(let exchange, _, _): exchange.loop
        case .readBody(let exchange, _): exchange.loop
        case .stream(let exchange, _), .streamFailed(let exchange): exchange.loop
        case .open(let channel, _): channel.id.loop
        case .fetch(let fetch): fetch.owner.loop
        case .admit(let admission, _): admission.loop
        case .readLog, .queryTelemetry, .began, .watchTraces, .watchSpans, .notify: 0
        case .picture(let request, _): request.loop
        case .toSubscribers(let effect): effect.loop
        }
    }
}
