import CommitLog
import Disk
import Cron
import Engine
import Folding
import HTTP
import JSON
import Primitives
import Queue
import State

extension EngineSimulation {
    /// Works until the workload, or the process, has had its time.
    func work(_ core: inout Core) throws(LogError) {
        for _ in 0..<20 + entropy.next() % 120 where finding == nil {
            pass(entropy.next() % swarm.turnTime)
            let steps = workload.turn(&entropy)
            try turn(&core) { (core) throws(LogError) in
                for step in steps where core.hasRoom { try perform(step, &core) }
            }
            if retains, entropy.next() % 8 == 0 { try keepUp(core) }
        }
    }

    /// What a turn of the core's loop does.
    private func turn(
        _ core: inout Core,
        _ handle: (inout Core) throws(LogError) -> Void
    ) throws(LogError) {
        core.advance(to: Now(wall: wall, monotonic: monotonic))
        try core.handleTime()
        if !swarm.fillsUp, let due = core.views.state.nextExpiry, due <= wall {
            find("a value is there after its time")
        }
        try handle(&core)
        var effects: [Effect] = []
        try core.release(into: &effects)
        // A read that the end of the process cut off has not stopped the engine: nothing leaves a
        // process that is no more.
        if disk.hasCrashed {
            throw .storage(.system("crash", path: "simulated", code: 0))
        }
        for effect in effects { hear(effect) }
        tally.effects += effects.count
        _ = core.takeNotices()
        note(&core)
        pass(disk.waited)
        disk.waited = 0
    }

    func pass(_ nanoseconds: UInt64) {
        monotonic += nanoseconds
        wall = wall.advanced(by: Timestamp.Span(nanoseconds: Int64(nanoseconds)))
        furthest = max(furthest, wall)
    }

    /// Everything that waits comes to its end: within minutes of the virtual clock every queue is
    /// drained, every caller answered, every cron run done.
    func drain(_ core: inout Core) throws(LogError) {
        try turn(&core) { (core) throws(LogError) in try perform(.join(serving: Names.all), &core) }
        var haveLeft = false
        for round in 0..<3000 where finding == nil {
            pass(1_000_000_000)
            wall = max(wall, furthest)
            try turn(&core) { (core) throws(LogError) in
                if round < 3 { for step in workload.turn(&entropy) { try perform(step, &core) } }
                // What the engine answers by itself is answered before anybody leaves.
                if round >= 3, !haveLeft, unansweredCall == nil || round == 500 {
                    if let call = unansweredCall { find("call \(call) is not answered") }
                    haveLeft = true
                    while !world.peers.isEmpty { try perform(.leave(0), &core) }
                    try perform(.join(serving: Names.all), &core)
                    // What subscriptions have left that ended is taken over.
                    for function in Names.subscribers {
                        let subscribe = Step.subscribe(
                            0,
                            function: function,
                            fifo: false,
                            isConditional: false
                        )
                        try perform(subscribe, &core)
                    }
                }
                while core.hasRoom, world.running(0) != nil { try perform(.answer(0), &core) }
            }
            if haveLeft, isAtRest(core) { return }
        }
        find("not at rest after its time: \(unrest(core))")
    }

    /// The first call of the state that waits for its answer.
    private var unansweredCall: String? {
        world.calls.filter { if case .state = $0.value.expected { true } else { false } }.keys.min()
    }

    private func isAtRest(_ core: borrowing Core) -> Bool {
        core.isQuiet && world.calls.isEmpty && world.exchanges.isEmpty && core.log.isIdle
            && core.views.work.queue.queues.values.allSatisfy { $0.depth == 0 }
            && core.views.work.cron.openFirings.isEmpty
            && core.views.work.reactions.count == 0 && core.views.state.nextExpiry == nil
    }

    private func unrest(_ core: borrowing Core) -> String {
        let queues = core.views.work.queue.queues
        let depths = queues.keys.sorted().map { "\($0): \(queues[$0]?.depth ?? 0)" }
        return "quiet: \(core.isQuiet), calls: \(world.calls.count), "
            + "requests: \(world.exchanges.count), idle: \(core.log.isIdle), "
            + "reactions: \(core.views.work.reactions.count), "
            + "firings: \(core.views.work.cron.openFirings.count), queues: \(depths)"
    }

    // MARK: Effects

    private func hear(_ effect: Effect) {
        switch effect {
        case .send(let connection, let message):
            hash.add(connection.number)
            hear(message, on: connection)
        case .admit: find("a socket was let in that did not ask")
        case .readLog: find("the log is asked by nobody")
        case .queryTelemetry, .began, .watchTraces, .watchSpans, .notify:
            find("nobody looks into telemetry, or reports any")
        case .picture: find("nobody looks at the engine")
        case .fetch(let fetch): find("\(fetch.dispatch.function) is invoked by HTTP")
        case .readBody: find("every body comes along with its head")
        case .toSubscribers: find("nobody subscribes to streams")
        case .probe(let connection): hash.add(connection.number)
        case .close(let connection, let code, _): hash.add(connection.number ^ UInt64(code))
        case .respond(let exchange, let reply, _):
            hash.add(exchange.number)
            hash.add(UInt64(reply.status))
            hash.add(reply.body)
            respond(exchange, reply)
        case .stream(let exchange, _), .streamFailed(let exchange): hash.add(exchange.number)
        case .open(let channel, _): hash.add(channel.key.low)
        }
    }

    private func hear(_ message: Effect.Message, on connection: ConnectionID) {
        switch message {
        case .registered(let worker, _, _): hash.add(worker.low)
        case .rejected(let rejection): hash.add(rejection.function)
        case .bind(let binding): hash.add(binding.id)
        case .unbind(let id, _): hash.add(id)
        case .triggerFailed(let id, _, _, let error):
            hash.add(id)
            find("trigger \(id) was refused: \(error.message)")
        case .invoke(let dispatch):
            hash.add(dispatch.invocation.low)
            hash.add(dispatch.payload)
            begin(dispatch, on: connection)
        case .answer(let id, _, let result, _):
            hash.add(id.description)
            hash.add("\(result)")
            if isConnected(connection) { answered(id.description, result) }
        case .receipt(let call, let receipt):
            hash.add(receipt.low)
            promises.receipts.insert(receipt)
            guard isConnected(connection) else { return }
            guard let id = call.id?.description, let waiting = world.calls.removeValue(forKey: id)
            else { return find("a receipt for nobody") }
            if case .receipt = waiting.expected { return }
            find("a receipt for what is no enqueue")
        case .observe: find("a worker that does not observe is told of observers")
        case .pong: find("a pong for a worker that did not ask")
        }
    }

    private func isConnected(_ connection: ConnectionID) -> Bool {
        world.peers.contains { $0.connection == connection }
    }

    private func begin(_ dispatch: Effect.Dispatch, on connection: ConnectionID) {
        let isMessage =
            Names.handlers.contains(dispatch.function)
            || Names.subscribers.contains(dispatch.function)
        if isMessage, let payload = Payload(dispatch.payload) {
            let isNew = promises.seen.insert(payload.number).inserted
            if isNew, !payload.line.isEmpty {
                let last = promises.youngest[payload.line] ?? 0
                // A dead letter that is redriven stands behind those that came after it.
                if last > payload.number, !promises.hasRedriven {
                    find("\(payload.line): message \(payload.number) came after \(last)")
                }
                promises.youngest[payload.line] = payload.number
            }
        }
        guard let place = world.peers.firstIndex(where: { $0.connection == connection }) else {
            return
        }
        if world.peers[place].running.contains(where: { $0.invocation == dispatch.invocation }) {
            find("invocation \(dispatch.invocation) was handed out twice")
        }
        world.peers[place].running.append(
            World.Running(
                invocation: dispatch.invocation,
                function: dispatch.function,
                payload: dispatch.payload
            )
        )
    }

    private func answered(_ id: String, _ result: FunctionResult) {
        guard let waiting = world.calls.removeValue(forKey: id) else {
            return find("call \(id) was answered, and nobody waits")
        }
        // What is refused was not done, and says so.
        if case .failure = result {
            if case .state(_, _, isWrite: true) = waiting.expected {
                find("a write of the state was refused: \(result)")
            }
            return
        }
        switch waiting.expected {
        case .receipt: find("an enqueue was answered without a receipt")
        case .state(let expected, let writes, let isWrite):
            let told: [UInt8]? = if case .value(let value) = result { value } else { nil }
            // What was there before a write may be unreadable; the write is done.
            let isUntold = isWrite && disk.hasFailed && Self.tellsNoValueBefore(told)
            if told != expected, !isUntold { find("call \(id) was answered \(result)") }
            state.promised = max(state.promised, writes)
        case .echo(let payload):
            if result != .value(payload) { find("call \(id) got another's answer") }
        case .item(let expected, let events):
            let told: [UInt8]? = if case .value(let value) = result { value } else { nil }
            if told != expected, !(disk.hasFailed && Self.tellsNoValueBefore(told)) {
                find("call \(id) of a stream was answered \(result)")
            }
            stream.promised = max(stream.promised, events)
        case .anything: break
        }
    }

    private static func tellsNoValueBefore(_ answer: [UInt8]?) -> Bool {
        guard let answer else { return true }
        return String(decoding: answer, as: UTF8.self).contains("read_refused")
    }

    private func respond(_ exchange: ExchangeID, _ reply: HTTPReply) {
        guard let body = world.exchanges.removeValue(forKey: exchange) else {
            if world.abandoned.remove(exchange) != nil { return }
            return find("request \(exchange.number) was answered twice")
        }
        world.open.removeAll { $0 == exchange }
        switch reply.status {
        case 200:
            tally.count(.httpAnswered)
            if reply.body != body { find("request \(exchange.number) got another's answer") }
        case 422: tally.count(.httpRefused)
        case 504: tally.count(.httpTimeout)
        case 404, 500, 507: break
        // Its worker is not back yet since the engine was started.
        case 503 where reply == .routeNotReady: break
        // The response is in the log, and the disk does not give it.
        case 503 where disk.hasFailed: break
        default: find("request \(exchange.number) was answered \(reply.status)")
        }
    }
}
