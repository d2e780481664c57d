import Events
import HTTP
import JSON
import Primitives
import Queue

/// A function that is to run, and what its result is for.
final class Run {
    /// Where a result goes.
    enum Purpose {
        /// To the worker that called and waits.
        case answer(ConnectionID, InvocationID, function: String, Propagation)
        /// Nowhere.
        case nobody
        case respond(ExchangeID)
        /// It decides over a message.
        case deliver(queue: String, Message)
        /// It ends a cron trigger's run.
        case cron(firing: Offset)
        /// It ends a run of a cron trigger that somebody asked for, by its record.
        case cronByHand(trigger: String, run: Offset)
        /// It ends one of the runs that a write of the state led to.
        case react(Reactions)
        /// It decides whether a socket is let in, and to what.
        case admit(AdmissionID)
        /// It decides over a registration of a worker, by its count.
        case screen(ConnectionID, UInt64, Registration)
        /// It is told of what happened to a stream; others are, behind it.
        case notify(TriggerNotice)
        /// It keeps the items of a stream, and is asked about them.
        case keepsStream(StreamQuestion)
        /// It is asked whether a socket may join a group of a stream.
        case joinsStream(StreamVisit)
        /// It knows more of a socket that subscribes to streams.
        case admitStream(SubscriberID)
        /// It decides whether the other run takes place.
        case condition(of: Run)
        /// It may answer the request in place of the other run; the `number`th that is asked.
        case middleware(of: Run, ExchangeID, number: UInt32)
    }

    /// Whether it decides over a worker of a listener with rules. What it is asked holds
    /// credentials, which no record may: nobody observes it.
    var guardsListener: Bool {
        switch purpose {
        case .admit, .screen, .admitStream: true
        default: false
        }
    }

    /// Whether its end is an event: that of a replay was one before.
    var isObservable: Bool { !guardsListener && replay == nil }

    /// Whether the next life of the engine runs it again where this one has not recorded its end.
    var isRepeated: Bool {
        switch purpose {
        case .deliver, .cron, .react: true
        case .condition(let subject): subject.isRepeated
        default: false
        }
    }

    /// Whether it runs a queue's message, or decides over one.
    var isOfQueue: Bool {
        switch purpose {
        case .deliver: true
        case .condition(let subject): subject.isOfQueue
        default: false
        }
    }

    /// What its worker is sent, but for what every message has around it, in bytes.
    var bytes: Int {
        payload.count + (metadata?.bytes.count ?? 0) + (baggage?.utf8.count ?? 0)
    }

    /// What it takes of the room that its worker has for queues' messages, in bytes.
    var roomBytes: Int { isOfQueue && bytes > Limits.smallDelivery ? bytes : 0 }

    /// Whether who called it waits for its result.
    var isAwaited: Bool {
        switch purpose {
        case .answer: true
        case .keepsStream(let question): question.isAwaited
        default: false
        }
    }

    let function: FunctionName
    /// Of a request whose body has not come, without that.
    private(set) var payload: [UInt8]
    let metadata: JSONText?
    let purpose: Purpose
    let trace: TraceID
    /// The record that led to it.
    let cause: Offset?
    /// Whether the cause's record holds the payload already, so that `invoked` need not repeat it.
    private(set) var causeHoldsPayload: Bool
    let baggage: String?
    let caller: UUID128?
    /// Functions that are asked, one after the other, before it takes place.
    var gatekeepers: ArraySlice<Gatekeeper> = []
    /// What they are asked, where that is not the payload.
    var question: HTTPQuestion?
    /// What records may hold of the payload, where that has secrets; nil: all of it.
    var logged: [UInt8]?
    /// Of the request that it answers, if that has one.
    var key: RequestKey?
    /// The `keyed` record of that request, once it runs.
    var keyed: Offset?
    /// The record that stands for its start, where that is not an `invoked` record of its own.
    var record: Offset?
    /// The record that must be durable before the function may start; nil: its own.
    var after: Offset?
    /// Who runs it, as its record says; nil: whoever is next.
    var worker: Worker?
    /// The trace context that the function is handed; nil: one of the engine's own.
    var parent: TraceParent?
    /// What its record says of that one.
    var remote: RemoteSpan?
    /// The flags of such a context: those of the trace as it was begun elsewhere.
    var flags = TraceParent.sampled
    /// The id under which its worker answers; nil: a new one.
    var invocation: UUID128?
    /// The worker that called, for those who are told who did; nil: the engine.
    var callingWorker: Worker?
    /// The handler that it called from; nil: none that is known.
    var place: Caller?
    /// How many observers the chain of calls has gone through.
    var depth = 0
    /// The event behind that, and what it has led to.
    var chain: ActivationChain?
    /// The observer that it is run for.
    var activation: Activation?
    /// Where it was run before: who answers what it calls.
    var replay: Replay?
    /// The response that its value means, once it has ended; nil: that is none of a request, or
    /// its function answers in another way.
    var reply: HTTPReply?
    /// Whether it ended without a word of who was to run it: nobody served its function, or its
    /// worker has gone. A worker may answer with the error codes of that, too.
    var isUnanswered = false

    enum Gatekeeper {
        /// Must not answer `false`.
        case condition(FunctionName)
        case middleware(FunctionName)
        /// Nobody behind it is asked before the request's body has come.
        case body(BodilessRequest)
    }

    /// The body of its request has come, too late for the record of the request.
    func complete(with payload: [UInt8], logged: [UInt8]) {
        self.payload = payload
        self.logged = logged
        causeHoldsPayload = false
    }

    /// One call of an observer's target.
    struct Activation {
        let observer: Observer
        let id: UUID128
    }

    init(
        function: FunctionName,
        payload: [UInt8],
        metadata: JSONText? = nil,
        purpose: Purpose,
        trace: TraceID,
        cause: Offset?,
        causeHoldsPayload: Bool,
        baggage: String? = nil,
        caller: UUID128? = nil,
        condition: FunctionName? = nil
    ) {
        self.function = function
        self.payload = payload
        self.metadata = metadata
        self.purpose = purpose
        self.trace = trace
        self.cause = cause
        self.causeHoldsPayload = causeHoldsPayload
        self.baggage = baggage
        self.caller = caller
        if let condition { gatekeepers = [.condition(condition)] }
    }
}

/// A run that a worker is busy with.
struct Invocation {
    let id: UUID128
    let run: Run
    /// Its `invoked` or `delivered` record: the cause of all that it leads to.
    let record: Offset
    /// On the monotonic clock, in nanoseconds.
    let started: UInt64

    var trace: TraceID { run.trace }
}
