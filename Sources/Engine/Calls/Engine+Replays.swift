import AccessControl
import CommitLog
import Disk
import Events
import Folding
import JSON
import Observability
import Observe
import Primitives

// What ran before, run again: `engine::replay` calls a function with what a log has of an earlier
// call, and what it calls in turn is not done. Whoever asked for the replay answers that.
//
// A call is known to come from such a run by what it names, its trace or its caller: both are
// marked (``ReplayMark``), so that it is known when the run is over, too, and to an engine that was
// started since. A call that names neither may be anything: it is refused while its worker runs a
// replay. A worker whose SDK does not name callers is asked for none.

/// A run that is a replay.
struct Replay {
    /// Who asked for it.
    let connection: ConnectionID
    /// The function of theirs that answers what it calls.
    let answers: FunctionName

    /// What a `triggered` record says of one.
    static let triggerType = "replay"

    static let needsWorker = ErrorBody(
        code: "INVALID_ARGUMENTS",
        message: "engine::replay is called by workers only: the caller answers what is called"
    )
}

/// The input of `engine::replay`.
private struct ReplayWish {
    let function: FunctionName
    let payload: JSONText
    let metadata: JSONText?
    let baggage: String?
    let answers: String

    init(_ fields: JSONFields) throws(JSONFieldError) {
        function = FunctionName(
            namespace: try fields.optionalString("namespace") ?? FunctionName.defaultNamespace,
            id: try fields.requiredString("function_id")
        )
        payload = fields.optionalValue("data") ?? .null
        metadata = fields.optionalValue("metadata")
        baggage = try fields.optionalString("baggage").flatMap {
            $0.utf8.count <= Limits.baggageBytes ? $0 : nil
        }
        answers = try fields.requiredString("answers")
    }
}

/// Where a call comes from that has to do with a replay.
private enum ReplayOrigin {
    case run(Invocation, Replay)
    /// One that is over.
    case past
    /// It names nothing, and its worker runs a replay.
    case unknown

    /// Nil: what runs there is no replay.
    init?(_ invocation: Invocation?) {
        guard let invocation else {
            self = .past
            return
        }
        guard let replay = invocation.run.replay else { return nil }
        self = .run(invocation, replay)
    }
}

extension Engine where Store: ~Copyable {
    // MARK: Running again

    /// `engine::replay`.
    ///
    /// - Returns: nil: the answer comes when the function has ended.
    mutating func replay(
        _ input: JSONText,
        for call: Call,
        _ worker: Worker
    ) throws(LogError) -> Outcome? {
        let wish: ReplayWish
        let runner: Worker
        do throws(ErrorBody) {
            wish = try JSONFields.read(input, of: "engine::replay", ReplayWish.init)
            runner = try self.runner(of: wish, for: worker)
        } catch {
            return Outcome.failure(error)
        }
        let trace = ReplayMark.trace(from: &random)
        // What it logs has led to what it leads to before.
        telemetryTriggers.own(trace)
        let triggered = Triggered(
            type: Replay.triggerType,
            trigger: "",
            summary: "by \(worker.name ?? worker.id.description)",
            function: wish.function,
            event: wish.payload.bytes,
            metadata: wish.metadata?.bytes ?? []
        )
        let cause = try record(.triggered(triggered), trace: trace)
        let run = Run(
            function: wish.function,
            payload: wish.payload.bytes,
            metadata: wish.metadata,
            purpose: purpose(of: call, on: worker.connection),
            trace: trace,
            cause: cause,
            causeHoldsPayload: true,
            baggage: Baggage.naming(wish.function.id, in: wish.baggage)
        )
        worker.hasAskedForReplay = true
        run.invocation = ReplayMark.invocation(from: &random)
        run.worker = runner
        run.replay = Replay(
            connection: worker.connection,
            answers: FunctionName(namespace: worker.namespace, id: wish.answers)
        )
        try start(run)
        return nil
    }

    /// Who can run it again: the least busy of those whose calls are told from others.
    private func runner(of wish: ReplayWish, for caller: Worker) throws(ErrorBody) -> Worker {
        guard caller.access == nil else {
            throw Access.refusal("replays are for workers of a trusted listener")
        }
        let answers = FunctionName(namespace: caller.namespace, id: wish.answers)
        guard caller.functions.contains(answers) else {
            throw ErrorBody(
                code: "INVALID_ARGUMENTS",
                message: "\"answers\" names no function that the caller serves: \(answers)"
            )
        }
        guard let owners = registry.functions[wish.function]?.owners else {
            throw notFound(wish.function)
        }
        let able = owners.filter { $0.namesCallers && $0.endpoints[wish.function] == nil }
        let runner = able.min {
            ($0.inFlight, $0.lastPicked) < ($1.inFlight, $1.lastPicked)
        }
        guard let runner else {
            throw ErrorBody(
                code: "REPLAY_UNSUPPORTED",
                message: "no worker that serves \(wish.function) says where its calls come from, "
                    + "as iii-sdk does from 0.25 on where observers are not switched off: what it "
                    + "calls could not be told from other work"
            )
        }
        return runner
    }

    /// Ends the replays that `worker`, which has left, asked for.
    mutating func endReplays(askedBy worker: Worker) throws(LogError) {
        guard worker.hasAskedForReplay else { return }
        var ended: [(runner: Worker, invocation: Invocation)] = []
        for runner in registry.workers.values where runner.replaying > 0 {
            let theirs = runner.serving.values.filter {
                $0.run.replay?.connection == worker.connection
            }
            ended += theirs.map { (runner, $0) }
        }
        let gone = ErrorBody(code: "invocation_stopped", message: "Invocation stopped")
        for one in ended.sorted(by: { $0.invocation.record < $1.invocation.record }) {
            guard let invocation = one.runner.end(one.invocation.id) else { continue }
            try finish(invocation, .failure(gone))
        }
    }

    // MARK: What it calls

    /// Has a call answered that comes from a replay, by whoever asked for that; it is not done.
    ///
    /// - Returns: false: it comes from elsewhere.
    mutating func divert(
        _ call: Call,
        to target: FunctionName,
        of worker: Worker
    ) throws(LogError) -> Bool {
        guard let origin = replayOrigin(of: call, from: worker), !Self.isHarmless(target) else {
            return false
        }
        let refusal: ErrorBody
        switch origin {
        case .run(let invocation, let replay):
            if let answerer = registry.workers[replay.connection],
                answerer.functions.contains(replay.answers)
            {
                let run = Run(
                    function: replay.answers,
                    payload: Self.question(call, to: target).bytes,
                    purpose: purpose(of: call, on: worker.connection),
                    trace: invocation.trace,
                    cause: invocation.record,
                    causeHoldsPayload: false,
                    caller: worker.id
                )
                run.worker = answerer
                try start(run)
                return true
            }
            refusal = Self.isOver(target)
        case .past: refusal = Self.isOver(target)
        case .unknown:
            refusal = ErrorBody(
                code: "REPLAY_UNATTRIBUTED",
                message: "this worker runs a replay, and nothing tells whether the call of "
                    + "\(target) comes from it: it names neither a trace nor a caller"
            )
        }
        answer(call, on: worker.connection, .failure(refusal), after: nil)
        return true
    }

    private static func isOver(_ target: FunctionName) -> ErrorBody {
        ErrorBody(
            code: "REPLAY_OVER",
            message: "the replay that calls \(target) is over, and nobody answers it any more"
        )
    }

    /// Whether a call does nothing that a replay must not do again: who a worker is, and what it
    /// logs.
    private static func isHarmless(_ target: FunctionName) -> Bool {
        switch Builtin.named(target) {
        case .registerWorker, .log: true
        default: false
        }
    }

    /// Nil: from no replay.
    private func replayOrigin(of call: Call, from worker: Worker) -> ReplayOrigin? {
        if let caller = call.context?.invocation.flatMap({ UUID128($0) }) {
            guard ReplayMark.isOn(invocation: caller) else { return nil }
            return ReplayOrigin(worker.serving[caller])
        }
        guard let traceparent = call.propagation.traceparent else {
            return worker.replaying > 0 ? .unknown : nil
        }
        guard ReplayMark.isOn(traceparent: traceparent), let parent = TraceParent(traceparent)
        else { return nil }
        // A client may have named such a trace: what runs in it for that is no replay.
        let running = worker.serving(in: parent.trace)
        let source = CallSource(among: running, call.propagation.baggage)
        return ReplayOrigin(source.invocation ?? running.last)
    }

    /// Whether an owner's event is of a replay: that it happened was told before.
    func isOfReplay(_ report: ReportedEvent) -> Bool {
        if let id = UUID128(report.event.invocation) { return ReplayMark.isOn(invocation: id) }
        return report.propagation.traceparent.map { ReplayMark.isOn(traceparent: $0) } ?? false
    }

    /// What the one that answers is asked.
    private static func question(_ call: Call, to target: FunctionName) -> JSONText {
        var json = JSONBuilder(capacity: 256 + call.payload.count)
        json.beginObject()
        json.key("function_id")
        json.string(target.id)
        json.key("namespace")
        json.string(target.namespace)
        json.key("data")
        json.raw(JSONText(trusted: call.payload))
        json.key("action")
        json.raw(call.action.json)
        json.endObject()
        return json.finish()
    }
}

extension Worker {
    /// Whether its SDK says from which handler it calls. One that may not do everything is not
    /// trusted to.
    fileprivate var namesCallers: Bool { access == nil && (observes || runtime == "swift") }
}
