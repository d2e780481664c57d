import AccessControl
import HTTPFunctions
import JSON
import Primitives

/// A connected worker. Only the core thread touches it.
final class Worker {
    let connection: ConnectionID
    let id: UUID128
    /// What proves, on a new connection, that it continues this one.
    let token: UUID128
    let address: String
    let joined: Timestamp
    /// What it may do; nil: everything.
    let access: Access?
    /// The number of the listener that it came to.
    let listener: Int
    /// Where it may not do everything: what becomes of its registrations.
    var screening = Screening()

    /// nil until `engine::workers::register` names it.
    var name: String?
    var namespace = FunctionName.defaultNamespace
    var runtime = "unknown"
    var version = ""
    var os: String?
    var description: String?
    /// What it says that it runs in, as `docker`.
    var isolation: String?
    var pid: Int64?
    var features: [String] = []
    /// Whether it declared that it knows of observers (`observe.v1`).
    var observes = false
    /// What came before the namespace was known; nil: it is known.
    var pending: PreNamespaceBuffer? = PreNamespaceBuffer()
    /// What it says of itself, while it waits for the name that another worker has.
    var claim: NameClaim?
    /// Whether no other worker may take its name (protocol 3.2).
    var holdsName = false
    var functions = OrderedNameSet<FunctionName>()
    var triggers = OrderedNameSet<String>()
    /// The trigger types that it provides.
    var types = OrderedNameSet<TriggerTypeName>()
    /// What those three hold.
    var holdings = Holdings()
    /// Whether it was said that it registers more than it may.
    var isKnownToOverfill = false
    /// Those of its functions that are invoked by HTTP.
    var endpoints: [FunctionName: Endpoint] = [:]

    /// What it was asked to run and has not answered.
    private(set) var serving: [UUID128: Invocation] = [:]
    private var servingByTrace: [TraceID: TraceInvocations] = [:]
    /// What is in the large ones of queues, in bytes.
    private var deliveredBytes = 0
    /// How many of those are replays.
    private(set) var replaying = 0
    /// Whether it has asked for one.
    var hasAskedForReplay = false
    /// When it was last given work, as a count: of equals, the one that waited longest is next.
    var lastPicked: UInt64 = 0

    init(
        connection: ConnectionID,
        id: UUID128,
        token: UUID128,
        address: String,
        joined: Timestamp,
        access: Access? = nil,
        listener: Int = 0
    ) {
        self.connection = connection
        self.id = id
        self.token = token
        self.address = address
        self.joined = joined
        self.access = access
        self.listener = listener
    }

    var inFlight: Int { serving.count }

    /// Which queues may hand it a large message: what it has not answered is kept in memory, and
    /// may not have been read by it. A queue of which nothing runs has room longer than others: it
    /// gets on beside one that fills all of theirs, and what runs may wait for a message of it.
    enum Room: Comparable { case forAll, forIdle, none }

    var room: Room {
        if deliveredBytes <= Limits.deliveriesOfWorker { return .forAll }
        return deliveredBytes <= Limits.deliveriesOfWorkerMax ? .forIdle : .none
    }

    /// Whether it may take a part of the calls of a function that `other` serves: only where both
    /// have the same rights, or one could listen in on what is not for it.
    func mayShare(with other: Worker) -> Bool {
        other.access == access
    }

    /// Whether it takes over what `other` has registered. Who may do everything does, from who may
    /// not: a guest must not keep others from a name, nor stay where their calls come.
    func takesOver(_ other: Worker) -> Bool { access == nil && other.access != nil }

    /// The id under which it knows a function that it serves.
    func known(_ function: FunctionName) -> String {
        guard access != nil else { return function.id }
        return screening.ids[function] ?? function.id
    }

    /// The id under which it knows a trigger type that it provides.
    func known(_ type: TriggerTypeName) -> String {
        guard access != nil else { return type.id }
        return screening.types.first { $0.value == type }?.key.id ?? type.id
    }

    func begin(_ invocation: Invocation) {
        serving[invocation.id] = invocation
        if invocation.run.replay != nil { replaying += 1 }
        deliveredBytes += invocation.run.roomBytes
        if servingByTrace[invocation.trace]?.append(invocation.id) == nil {
            servingByTrace[invocation.trace] = TraceInvocations(invocation.id)
        }
    }

    /// Takes an invocation out; nil: it was not asked for, or is over.
    func end(_ id: UUID128) -> Invocation? {
        guard let invocation = serving.removeValue(forKey: id) else { return nil }
        if invocation.run.replay != nil { replaying -= 1 }
        deliveredBytes -= invocation.run.roomBytes
        if servingByTrace[invocation.trace]?.remove(id) == false {
            servingByTrace[invocation.trace] = nil
        }
        return invocation
    }

    /// Everything it was running, in the order in which it began.
    func endAll() -> [Invocation] {
        let all = serving.values.sorted { $0.record < $1.record }
        serving = [:]
        servingByTrace = [:]
        deliveredBytes = 0
        replaying = 0
        return all
    }

    /// Every call asks: of so many invocations of a trace nothing tells which one it comes from.
    static let siblings = 32

    /// What it is running of a trace, in the order in which it began: the youngest, if they are
    /// ``siblings`` or more.
    func serving(in trace: TraceID) -> [Invocation] {
        (servingByTrace[trace]?.youngest(Self.siblings) ?? []).compactMap { serving[$0] }
    }

    /// What it is running, where that is of one trace alone: what a call without a trace context
    /// belongs to, as far as anybody can tell.
    var servingOfSoleTrace: [Invocation] {
        guard servingByTrace.count == 1, let trace = servingByTrace.keys.first else { return [] }
        return serving(in: trace)
    }

    /// Whether it is running something of a trace that is one of those.
    func isServing(where isOne: (TraceID) -> Bool) -> Bool {
        servingByTrace.keys.contains(where: isOne)
    }

    /// Whether its SDK can receive a message with so many bytes of payload.
    func receives(_ payloadBytes: Int) -> Bool {
        let bytes = payloadBytes + Limits.envelopeBytes
        return bytes <= Limits.oldClientMessageBytes || bytes <= receiveLimit
    }

    /// Whether it can be sent a call of `function` with so many bytes of payload. What goes to an
    /// endpoint passes no SDK.
    func receives(_ payloadBytes: Int, for function: FunctionName) -> Bool {
        endpoints[function] != nil || receives(payloadBytes)
    }

    /// The largest message that its SDK can receive, in bytes (protocol 1.5).
    var receiveLimit: Int {
        guard runtime == "python" else { return Limits.messageBytes }
        if features.contains("large-messages.v1") { return Limits.messageBytes }
        let parts = version.split(separator: ".").compactMap { Int($0) }
        let isOld = parts.lexicographicallyPrecedes([0, 24, 5])
        return isOld ? Limits.oldClientMessageBytes : Limits.messageBytes
    }
}
