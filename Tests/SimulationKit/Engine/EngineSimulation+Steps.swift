import CommitLog
import Engine
import Folding
import HTTP
import JSON
import Primitives
import Queue

extension EngineSimulation {
    func perform(_ step: Step, _ core: inout Core) throws(LogError) {
        switch step {
        case .join, .leave, .serve, .cease: try performPeer(step, &core)
        case .enqueue, .publish, .subscribe, .unsubscribe, .redrive, .discard, .discardAll, .purge,
            .define:
            try performQueue(step, &core)
        case .answer, .fail, .lateAnswer, .wrongAnswer: try performResult(step, &core)
        case .set, .update, .get, .delete: try performState(step, &core)
        case .store(let step): try performStore(step, &core)
        case .call, .route, .request, .abandon, .cron, .log, .bind, .unbind:
            try performCall(step, &core)
        case .pass(let nanoseconds): pass(nanoseconds)
        case .jump(let seconds):
            guard swarm.jumpsClock else { return }
            tally.count(seconds < 0 ? .clockBack : .clockAhead)
            wall = wall.advanced(by: .seconds(seconds))
            furthest = max(furthest, wall)
        case .rest: try core.sleep()
        }
    }

    private func next() -> Int {
        counter += 1
        return counter
    }

    // MARK: Workers

    private func performPeer(_ step: Step, _ core: inout Core) throws(LogError) {
        switch step {
        case .join(let functions):
            guard world.peers.count < 6 else { return }
            let connection = ConnectionID(loop: 0, number: UInt64(next()))
            world.peers.append(World.Peer(connection: connection))
            try core.handle(.workerJoined(connection, address: "simulated"))
            let description = #"{"name":"w","runtime":"node","version":"0.25.0"}"#
            let call = Self.call(nil, "engine::workers::register", description)
            try core.handle(.call(connection, call))
            for function in functions { try serve(function, connection, &core) }
        case .leave(let number):
            guard let place = world.place(number) else { return }
            let peer = world.peers.remove(at: place)
            if !peer.running.isEmpty { tally.count(.workerLost) }
            past += peer.running.map(\.invocation)
            world.calls = world.calls.filter { $0.value.connection != peer.connection }
            world.reacting = world.reacting.filter { $0.value != peer.connection }
            try core.handle(.workerLeft(peer.connection, reason: "closed"))
        case .serve(let number, let function):
            guard let place = world.place(number) else { return }
            try serve(function, world.peers[place].connection, &core)
        case .cease(let number, let function):
            guard let place = world.place(number) else { return }
            let connection = world.peers[place].connection
            try core.handle(.register(connection, .removeFunction(id: function)))
        default: break
        }
    }

    private func serve(
        _ function: String,
        _ connection: ConnectionID,
        _ core: inout Core
    ) throws(LogError) {
        let registration = Registration.function(
            id: function,
            definition: .emptyObject
        )
        try core.handle(.register(connection, registration))
    }

    // MARK: Queues

    private func performQueue(_ step: Step, _ core: inout Core) throws(LogError) {
        switch step {
        case .enqueue(let queue, let function, let group, let bytes):
            let group = group % 3
            let line = queue == "fifo" ? "\(queue)/\(group)" : ""
            let payload = Payload.text(next(), group: group, line: line, bytes: bytes)
            try send(function, payload, .receipt, &core, action: .enqueue(queue: queue))
        case .publish(let bytes):
            let data = Payload.text(next(), bytes: bytes)
            let input = #"{"topic":"\#(Names.topic)","data":\#(data)}"#
            try send("iii::durable::publish", input, .anything, &core)
        case .subscribe(let number, let function, let isFIFO, let isConditional):
            let type = isFIFO ? #","queue_config":{"type":"fifo"}"# : ""
            let condition = isConditional ? #","condition_function_id":"ask""# : ""
            let config = #"{"topic":"\#(Names.topic)","backoff_ms":100\#(type)\#(condition)}"#
            try trigger(number, "durable:subscriber", function, config, id: "s-\(function)", &core)
        case .unsubscribe(let number, let function):
            guard let place = world.place(number) else { return }
            let connection = world.peers[place].connection
            try core.handle(.register(connection, .removeTrigger(id: "s-\(function)")))
        case .redrive(let queue):
            if queue == "fifo" { promises.hasRedriven = true }
            try send("iii::queue::redrive", #"{"queue":"\#(queue)"}"#, .anything, &core)
        case .discard(let queue):
            guard let receipt = letter(of: queue, core) else { return }
            let input = #"{"queue":"\#(queue)","message_id":"\#(receipt)"}"#
            try send("iii::queue::discard_message", input, .anything, &core)
        case .discardAll(let queue):
            try send("iii::queue::discard", #"{"queue":"\#(queue)"}"#, .anything, &core)
        case .purge(let queue):
            try send("iii::queue::purge", #"{"queue":"\#(queue)"}"#, .anything, &core)
        case .define(let queue, let concurrency):
            let group = queue == "fifo" ? #","type":"fifo","message_group_field":"g""# : ""
            let attempts = queue == "single" ? 1 : 3
            let config = #""concurrency":\#(concurrency),"max_retries":\#(attempts)\#(group)"#
            let input = #"{"queue":"\#(queue)","config":{\#(config),"backoff_ms":200}}"#
            try send("queue::define", input, .anything, &core)
        default: break
        }
    }

    /// The receipt of a dead letter that is in memory; nil: none is.
    private func letter(of queue: String, _ core: borrowing Core) -> UUID128? {
        let view = core.views.work.queue
        guard let state = view.queues[queue], state.deadCount > 0 else { return nil }
        for offset in 0..<core.log.staged.rawValue {
            guard let message = view.message(Offset(offset), in: queue),
                case .dead = message.state
            else { continue }
            if let content = message.content { return content.receipt }
        }
        return nil
    }

    // MARK: Results

    private func performResult(_ step: Step, _ core: inout Core) throws(LogError) {
        switch step {
        case .answer(let number), .fail(let number):
            guard let (place, index) = world.running(number) else { return }
            let running = world.peers[place].running.remove(at: index)
            past.append(running.invocation)
            var result = FunctionResult.failure(
                ErrorBody(code: "invocation_failed", message: "simulated")
            )
            if case .answer = step { result = answer(running) }
            try complete(world.peers[place].connection, running.invocation, result, &core)
        case .lateAnswer(let number):
            guard !past.isEmpty, let place = world.place(number) else { return }
            tally.count(.fenced)
            let late = past[Int(number % UInt64(past.count))]
            try complete(world.peers[place].connection, late, .value(Array("1".utf8)), &core)
        case .wrongAnswer(let number):
            guard world.peers.count > 1, let (place, index) = world.running(number) else { return }
            tally.count(.fenced)
            let other = world.peers[(place + 1) % world.peers.count].connection
            let invocation = world.peers[place].running[index].invocation
            try complete(other, invocation, .value(Array("1".utf8)), &core)
        default: break
        }
    }

    private func complete(
        _ connection: ConnectionID,
        _ invocation: UUID128,
        _ result: FunctionResult,
        _ core: inout Core
    ) throws(LogError) {
        let id = InvocationID.uuid(invocation)
        try core.handle(.result(connection, CallResult(id: id, result: result)))
    }

    /// What the simulator's functions answer.
    private func answer(_ running: World.Running) -> FunctionResult {
        switch running.function {
        case "echo": return .value(running.payload)
        case "web":
            let body = JSONText(trusted: running.payload).member("body") ?? .null
            return .value(Array(#"{"status_code":200,"body":\#(body)}"#.utf8))
        case "ask":
            // Exactly `false` refuses. Not while the end is waited for.
            return .value(Array((entropy.next() % 4 == 0 ? "false" : "true").utf8))
        default: return .none
        }
    }
}
