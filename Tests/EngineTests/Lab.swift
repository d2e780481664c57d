import CommitLog
import Disk
import Events
import Folding
import LogTools
import HTTP
import JSON
import Observability
import Primitives
import Queue
import RecordFormat
import State
import Stream

@testable import Engine

/// One life of the production engine over a simulated disk: the test hands it commands, time and
/// the ends of its writes, and sees what left it.
final class Lab {
    let disk: SimulatedDisk
    var engine: Engine<SimulatedStorage, SeededEntropy>
    var now: Now
    /// The digest of what recovery folded, before this life began.
    let recovered: Digest
    /// The same, as tools tell it.
    let recoveredDigest: LogDigest
    /// What the records of before say, read by other code.
    let ledger: Ledger
    /// The offset behind the last recovered record.
    let recoveredEnd: UInt64
    /// What following the log has shown.
    let followed: FollowedLog
    /// Everything that left, in order.
    private(set) var left: [Effect] = []
    private var connections: UInt64

    static let epoch = Timestamp(seconds: 1_900_000_000)

    init(
        disk: SimulatedDisk = SimulatedDisk(),
        seed: UInt64 = 1,
        at time: Timestamp = Lab.epoch,
        clock: Timestamp? = nil,
        life: UInt64 = 1,
        segmentBytes: Int = 1 << 20,
        cacheBytes: Int = .max,
        snapshotUntil: Offset? = nil,
        _ adjust: (inout EngineOptions) -> Void = { _ in }
    ) throws(LogError) {
        var entropy = SeededEntropy(seed: seed &* 1000 &+ life)
        var snapshot = Snapshot(Snapshot.Settings(cacheBytes: cacheBytes))
        if let snapshotUntil {
            snapshot = try Self.snapshot(of: disk, until: snapshotUntil, cacheBytes: cacheBytes)
        }
        var ledger = Ledger()
        var reader = LogReader(SimulatedStorage(disk))
        if !disk.segments.isEmpty {
            _ = try reader.read { record throws(DecodeError) in
                if let event = try Event(record) { ledger.read(event, at: record.offset) }
            }
        }
        let log = try CommitLog(
            opening: LogClaim(SimulatedStorage(disk)),
            options: LogOptions(segmentBytes: segmentBytes, firstSegmentBytes: segmentBytes),
            entropy: &entropy,
            now: time,
            known: snapshot.start,
            replay: { (record) throws(DecodeError) in try snapshot.views.apply(record) }
        )
        var options = EngineOptions(version: "test")
        adjust(&options)
        followed = FollowedLog(telemetry: options.telemetry)
        self.disk = disk
        recovered = Digest(of: snapshot.views)
        recoveredDigest = LogDigest(of: snapshot.views, at: log.staged)
        self.ledger = ledger
        recoveredEnd = log.staged.rawValue
        // What the clock says is not before the log's end, unless a test wants it so.
        now = Now(wall: clock ?? log.stamp(time), monotonic: life << 40)
        connections = life << 20
        engine = try Engine(
            log: log,
            views: snapshot.views,
            options: options,
            random: entropy,
            now: now
        )
    }

    /// The next life of the engine, behind a crash that kept nothing which was not durable.
    func restarted(_ adjust: (inout EngineOptions) -> Void = { _ in }) throws -> Lab {
        disk.crash(keepingWrite: false)
        return try Lab(disk: disk, at: now.wall, life: 2, adjust)
    }

    deinit { expectKnownCauses() }

    // MARK: Turns

    /// What a turn of the core loop does, with the disk as it is.
    @discardableResult
    func turn(_ commands: Command...) throws(LogError) -> [Effect] { try turn(commands) }

    @discardableResult
    func turn(_ commands: [Command]) throws(LogError) -> [Effect] {
        engine.advance(to: now)
        try engine.handleTime()
        for command in commands { try engine.handle(command) }
        var effects: [Effect] = []
        try engine.release(into: &effects)
        left += effects
        return effects
    }

    /// Turns until the disk has everything and nothing more leaves.
    @discardableResult
    func settle(_ commands: Command...) throws(LogError) -> [Effect] {
        var effects = try turn(commands)
        while disk.complete() { effects += try turn([]) }
        while let answers = try follow(effects) {
            effects = effects.filter { $0.query == nil } + (try turn(answers))
            while disk.complete() { effects += try turn([]) }
        }
        return effects
    }

    var isQuiet: Bool { engine.isQuiet }
    var hasDrained: Bool { engine.hasDrained }

    /// The value of a key, from memory or from the log; nil: it has none.
    func value(scope: String, key: String) -> String? {
        guard let entry = engine.views.state.entry(scope: scope, key: key) else { return nil }
        if let value = entry.value { return String(decoding: value, as: UTF8.self) }
        let read = try? engine.log.record(at: entry.version) { record -> String? in
            guard case .state(.set(let set)) = try? Event(record) else { return nil }
            return String(decoding: set.value, as: UTF8.self)
        }
        return read ?? nil
    }

    /// Who has this id.
    func connection(of worker: UUID128) -> ConnectionID? {
        engine.registry.worker(worker)?.connection
    }

    func pass(seconds: Double) {
        let nanoseconds = UInt64(seconds * 1_000_000_000)
        now = Now(
            wall: now.wall.advanced(by: Timestamp.Span(nanoseconds: Int64(nanoseconds))),
            monotonic: now.monotonic + nanoseconds
        )
    }

    /// Queues go on that have done enough for a turn.
    func rest() throws(LogError) {
        pass(seconds: 0.001)
        try settle()
    }

    // MARK: Peers

    /// A connection that said `workerJoined` only.
    func connect() throws(LogError) -> Peer {
        connections += 1
        let connection = ConnectionID(loop: 0, number: connections)
        let effects = try settle(.workerJoined(connection, address: "127.0.0.1:\(connections)"))
        for case .send(connection, .registered(let worker, let token, _)) in effects {
            return Peer(connection: connection, worker: worker, token: token)
        }
        preconditionFailure("a worker that joins is told its id")
    }

    /// A worker that serves `functions`.
    func join(
        _ name: String,
        namespace: String? = nil,
        runtime: String = "node",
        version: String = "0.25.0",
        serving functions: String...
    ) throws(LogError) -> Peer {
        let peer = try connect()
        try settle(.call(peer.connection, .describe(name, namespace, runtime, version)))
        for function in functions { try settle(.serve(peer, function)) }
        return peer
    }
}

struct Peer {
    let connection: ConnectionID
    let worker: UUID128
    let token: UUID128
}

extension QueueSettings {
    /// Without delays, so that the second attempt follows the first.
    static func once(attempts: UInt32, concurrency: UInt32 = 10) -> QueueSettings {
        QueueSettings(
            fifo: false,
            concurrency: concurrency,
            attempts: attempts,
            backoff: .milliseconds(0),
            groupField: nil
        )
    }

    static func fifo(by field: String, backoff: Int64 = 1000) -> QueueSettings {
        QueueSettings(
            fifo: true,
            concurrency: 10,
            attempts: 3,
            backoff: .milliseconds(backoff),
            groupField: field
        )
    }
}

// MARK: Commands in short

extension Call {
    static func describe(
        _ name: String,
        _ namespace: String?,
        _ runtime: String,
        _ version: String
    ) -> Call {
        var input: JSONObject = [
            "name": .string(name), "runtime": .string(runtime), "version": .string(version),
            "pid": .integer(7),
        ]
        if let namespace { input["namespace"] = .string(namespace) }
        let payload = JSONValue.object(input).text.bytes
        return Call(id: nil, function: "engine::workers::register", payload: payload)
    }

    convenience init(
        id: InvocationID?,
        function: String,
        namespace: String? = nil,
        payload: [UInt8],
        action: Action = .await,
        propagation: Propagation = Propagation()
    ) {
        self.init(
            id: id,
            function: function,
            namespace: namespace,
            payload: payload,
            metadata: nil,
            action: action,
            propagation: propagation
        )
    }
}

extension Command {
    static func serve(_ peer: Peer, _ function: String) -> Command {
        .register(peer.connection, .function(id: function, definition: .emptyObject))
    }

    static func call(
        _ peer: Peer,
        _ function: String,
        _ payload: String = "{}",
        id: InvocationID? = .text("c"),
        in namespace: String? = nil,
        as action: Call.Action = .await,
        with propagation: Propagation = Propagation()
    ) -> Command {
        .call(
            peer.connection,
            Call(
                id: id,
                function: function,
                namespace: namespace,
                payload: Array(payload.utf8),
                action: action,
                propagation: propagation
            )
        )
    }

    static func enqueue(
        _ peer: Peer,
        _ function: String,
        _ payload: String = "{}",
        to queue: String = "default",
        id: InvocationID? = .text("e")
    ) -> Command {
        .call(peer, function, payload, id: id, as: .enqueue(queue: queue))
    }

    static func answer(
        _ peer: Peer,
        _ invocation: UUID128,
        _ value: String = "null"
    ) -> Command {
        let result = FunctionResult.value(Array(value.utf8))
        return .result(peer.connection, CallResult(id: .uuid(invocation), result: result))
    }

    static func fail(
        _ peer: Peer,
        _ invocation: UUID128,
        code: String = "invocation_failed",
        _ message: String = "no"
    ) -> Command {
        let result = FunctionResult.failure(ErrorBody(code: code, message: message))
        return .result(peer.connection, CallResult(id: .uuid(invocation), result: result))
    }

    static func get(
        _ path: String,
        exchange: UInt64 = 1,
        method: String = "GET",
        headers: [(name: String, value: String)] = [],
        body: String = "",
        with propagation: Propagation = Propagation()
    ) -> Command {
        .request(
            ExchangeID(loop: 0, number: exchange),
            HTTPRequest(
                method: method,
                path: path,
                query: nil,
                headers: headers,
                body: Array(body.utf8)
            ),
            propagation
        )
    }
}

// MARK: Effects in short

extension Effect {
    /// The dispatch, if this is one.
    var dispatch: Dispatch? {
        guard case .send(_, .invoke(let dispatch)) = self else { return nil }
        return dispatch
    }

    var receipt: UUID128? { if case .send(_, .receipt(_, let id)) = self { id } else { nil } }

    var reply: HTTPReply? {
        guard case .respond(_, let reply, _) = self else { return nil }
        return reply
    }

    var answer: FunctionResult? {
        guard case .send(_, .answer(_, _, let result, _)) = self else { return nil }
        return result
    }

    /// One line, without what is random.
    var line: String {
        switch self {
        case .send(_, .registered): "registered"
        case .send(_, .rejected(let rejection)):
            "rejected \(rejection.code) \(rejection.function ?? rejection.worker ?? "?")"
        case .send(_, .bind(let binding)):
            "bind \(binding.id) \(binding.type) \(binding.function) \(binding.config)"
        case .send(_, .unbind(let id, let type)): "unbind \(id) \(type)"
        case .probe: "probe"
        case .send(_, .triggerFailed(let id, _, _, let error)): "trigger \(id): \(error.message)"
        case .send(_, .invoke(let dispatch)):
            "invoke \(dispatch.function) \(String(decoding: dispatch.payload, as: UTF8.self))"
        case .send(_, .answer(_, let function, let result, _)): "\(function) = \(result.line)"
        case .send(_, .receipt(let call, _)): "receipt \(call.function)"
        case .admit(_, let verdict): "admit \(verdict)"
        case .queryTelemetry(let query): "query \(query.function)"
        case .began: "spans have begun"
        case .watchTraces(let isWanted): "watch traces \(isWanted)"
        case .watchSpans(let wanted):
            "watch spans \(wanted.rows) \(wanted.all) \(wanted.traces.count)"
        case .notify(let hook):
            "notify \(hook.url) \(String(decoding: hook.body, as: UTF8.self))"
        case .readLog(let reading): "read log below \(reading.end)"
        case .picture(_, let picture): "picture of \(picture.queues.count) queues"
        case .fetch(let fetch): "fetch \(fetch.dispatch.function)"
        case .send(_, .observe(let message)): message.line
        case .send(_, .pong): "pong"
        case .close(_, let code, let reason): "close \(code) \(reason)"
        case .respond(_, let reply, _):
            "http \(reply.status) \(String(decoding: reply.body, as: UTF8.self))"
        case .readBody(let exchange, _): "read body of \(exchange.number)"
        case .stream, .open: "stream or channel"
        case .streamFailed(let exchange): "stream of \(exchange.number) failed"
        case .toSubscribers(let effect): effect.line
        }
    }
}
