package import AccessControl
package import ConfigurationEntries
package import HTTP
package import JSON
package import Observability
package import Observe
package import Primitives
package import Queue

/// What an edge asks of the core. Everything is already decoded; payloads are JSON text.
///
/// Small, whatever it holds: a command is moved several times on its way to the core.
package enum Command: Sendable {
    /// A socket asks for what its listener's rules make of it; answered by ``Effect/admit(_:_:)``.
    indirect case admit(AdmissionID, Admission)
    /// `access` is what an admission granted; nil: the listener is trusted.
    indirect case workerJoined(
        ConnectionID,
        address: String,
        access: Access? = nil,
        listener: Int = 0
    )
    case workerLeft(ConnectionID, reason: String)
    indirect case register(ConnectionID, Registration)
    indirect case reattach(ConnectionID, previous: String, token: String?)
    case call(ConnectionID, Call)
    indirect case result(ConnectionID, CallResult)
    indirect case observed(ConnectionID, ObserveReport)
    /// What a provider says to a trigger that it was told of.
    indirect case triggerAnswered(ConnectionID, TriggerAnswer)
    /// A connection that was asked whether it is still there has answered.
    case answeredProbe(ConnectionID)
    /// A worker wants to hear, by ``Effect/Message/pong``, that all is sent that comes of what it
    /// said before.
    case pinged(ConnectionID)
    indirect case reported(TelemetryBatch)
    indirect case request(ExchangeID, HTTPRequest, Propagation)
    case requestAbandoned(ExchangeID)
    /// What a ``Effect/readBody(_:trace:)`` came to.
    case requestBody(ExchangeID, [UInt8])
    /// A function has begun to write its response into the request's channel.
    case requestStreams(ExchangeID, status: Int)
    /// What it has begun to write can be no response, and why.
    indirect case responseSpoilt(ExchangeID, ErrorBody)
    /// A function is refused the channel of a response that nobody waits for any more, by the key
    /// that the request's channels have.
    case responseUnheard(key: UUID128)
    /// The response that an ``Effect/stream(_:trace:)`` let begin has ended, while its client was
    /// there: whole and with a status below 500, or not.
    case responseStreamed(ExchangeID, succeeded: Bool)
    /// What a fetch came to: exactly one for each ``Effect/fetch(_:)``.
    indirect case fetched(UUID128, FunctionResult)
    /// A channel that an ``Effect/open(_:for:)`` made is over.
    case channelEnded(ChannelID)
    /// What the log says: exactly one for each ``Effect/readLog(_:)`` but those about messages.
    indirect case logRead(UInt64, LogQueryResult)
    /// What it says of messages: exactly one for each about those.
    indirect case foundMessages(UInt64, Result<LoggedMessages, ErrorBody>)
    /// What followers of the log know: exactly one for each ``Effect/queryTelemetry(_:)``.
    /// Beside the answer comes what was found out about alerts.
    indirect case telemetryAnswered(UInt64, FunctionResult, alerts: [AlertChange] = [])
    /// Spans of these traces have ended; told only while ``Effect/watchTraces(_:)`` wants it.
    indirect case sawTraces([SeenTrace])
    /// Spans of these have come; told only of what ``Effect/watchSpans(_:)`` wants.
    indirect case sawSpans([SpanPush])
    /// What a socket of streams asks for.
    indirect case stream(SubscriberCommand)
    /// Settings that were edited while the engine runs.
    indirect case configure(LiveSettings)
    /// What is listened on, by the names of the ports file: told once.
    case listening([String: String])
    /// What the engine is like now; answered by ``Effect/picture(_:_:)``.
    indirect case requestPicture(PictureRequest)
    /// All that the files of configuration entries say; an entry without its file has gone.
    case takeFiles([EntryFile])
    /// No new work; what is in flight may finish.
    case drain
    /// So much time is over since ``drain``: what still runs is told of, and not waited for.
    case endDrain(limit: String)

    package struct LogQueryResult: Sendable {
        package let result: FunctionResult
        /// Whether changes were asked for and there are none.
        package let isEmpty: Bool
        /// The last record that was looked at for changes.
        package let last: Offset

        package init(result: FunctionResult, isEmpty: Bool, last: Offset) {
            self.result = result
            self.isEmpty = isEmpty
            self.last = last
        }
    }
}

/// A worker's registrations, which wait until its namespace is known (protocol 1.7).
package enum Registration: Sendable {
    /// `invocation` says how a function is reached that the worker does not serve itself.
    case function(id: String, definition: JSONText, invocation: JSONText? = nil)
    case removeFunction(id: String)
    case trigger(TriggerRequest)
    case removeTrigger(id: String)
    /// What is wrong with it is told when its turn has come.
    case observe(id: String, Result<ObserverSpec, ErrorBody>)
    case unobserve(id: String)
    case triggerType(TriggerTypeOffer)
    case removeTriggerType(id: String, namespace: String?)
}

extension Registration {
    /// Roughly what its record would hold.
    var byteCount: Int {
        switch self {
        case .function(let id, let definition, let invocation):
            id.utf8.count + definition.bytes.count + (invocation?.bytes.count ?? 0)
        case .removeFunction(let id), .removeTrigger(let id), .removeTriggerType(let id, _),
            .unobserve(let id):
            id.utf8.count
        case .triggerType(let offer): offer.byteCount
        case .observe(let id, .failure): id.utf8.count
        case .observe(let id, .success(let spec)):
            // A name of `capture` that nobody knows is in a warning, too.
            id.utf8.count + spec.args.bytes.count + (spec.metadata?.bytes.count ?? 0)
                + spec.filter.text.bytes.count
                + spec.capture.reduce(0) { $0 + 2 * $1.utf8.count }
        case .trigger(let request):
            request.id.utf8.count + request.type.utf8.count + request.function.utf8.count
                + request.config.bytes.count + (request.metadata?.bytes.count ?? 0)
        }
    }
}

extension Registration {
    /// The longest of its ids and namespaces, in bytes: they come back in records and messages,
    /// also in ones that nobody can be refused.
    var longestName: Int {
        let names: [String?] =
            switch self {
            case .function(let id, _, _), .removeFunction(let id), .removeTrigger(let id),
                .observe(let id, _), .unobserve(let id):
                [id]
            case .trigger(let request):
                [
                    request.id, request.type, request.function, request.namespace,
                    request.triggerNamespace,
                ]
            case .triggerType(let offer): [offer.id, offer.namespace]
            case .removeTriggerType(let id, let namespace): [id, namespace]
            }
        return names.map { $0?.utf8.count ?? 0 }.max() ?? 0
    }
}

package struct TriggerRequest: Sendable {
    package var id: String
    package var type: String
    package var function: String
    package var config: JSONText
    package var metadata: JSONText?
    /// Where the function is looked up; nil: `default`.
    package var namespace: String?
    /// Where the type is looked up; nil: among the registrant's own, then in `default`.
    package var triggerNamespace: String?

    package init(
        id: String,
        type: String,
        function: String,
        config: JSONText,
        metadata: JSONText?,
        namespace: String?,
        triggerNamespace: String? = nil
    ) {
        self.triggerNamespace = triggerNamespace
        self.id = id
        self.type = type
        self.function = function
        self.config = config
        self.metadata = metadata
        self.namespace = namespace
    }
}

/// A worker's `registertriggertype`: an event source that it has.
package struct TriggerTypeOffer: Sendable {
    package var id: String
    package var description: String?
    /// The schema of a trigger's `config`.
    package var configFormat: JSONText?
    /// The schema of what functions are called with.
    package var callFormat: JSONText?
    /// nil: the worker's own.
    package var namespace: String?

    package init(
        id: String,
        description: String? = nil,
        configFormat: JSONText? = nil,
        callFormat: JSONText? = nil,
        namespace: String? = nil
    ) {
        self.id = id
        self.description = description
        self.configFormat = configFormat
        self.callFormat = callFormat
        self.namespace = namespace
    }

    fileprivate var byteCount: Int {
        id.utf8.count + (description?.utf8.count ?? 0) + (configFormat?.bytes.count ?? 0)
            + (callFormat?.bytes.count ?? 0)
    }
}

/// A worker's `triggerregistrationresult`.
package struct TriggerAnswer: Sendable {
    /// The trigger's id.
    package var id: String
    package var type: String
    /// nil: it took the trigger.
    package var error: ErrorBody?

    package init(id: String, type: String, error: ErrorBody? = nil) {
        self.id = id
        self.type = type
        self.error = error
    }
}

/// A worker's `invokefunction`: one object from the frame to the answer, which repeats most of it.
package final class Call: Sendable {
    package enum Action: Equatable, Sendable {
        case await
        case void
        case enqueue(queue: String)
        case unknown(String)
        /// None: the call could not be read, for that reason.
        case refused(String)
    }

    /// nil: nobody waits.
    package let id: InvocationID?
    package let function: String
    /// nil: `default`.
    package let namespace: String?
    package let payload: [UInt8]
    package let metadata: JSONText?
    package let action: Action
    package let propagation: Propagation
    /// Nil where the SDK says nothing of where it is called from.
    package let context: CallContext?

    package init(
        id: InvocationID?,
        function: String,
        namespace: String?,
        payload: [UInt8],
        metadata: JSONText?,
        action: Action,
        propagation: Propagation,
        context: CallContext? = nil
    ) {
        self.id = id
        self.function = function
        self.namespace = namespace
        self.payload = payload
        self.metadata = metadata
        self.action = action
        self.propagation = propagation
        self.context = context
    }
}

/// A worker's `invocationresult`.
package struct CallResult: Sendable {
    package var id: InvocationID
    package var result: FunctionResult

    package init(id: InvocationID, result: FunctionResult) {
        self.id = id
        self.result = result
    }
}
