import CommitLog
import Engine
import Events
import Folding
import HTTP
import JSON
import Primitives

extension EngineSimulation {
    static func call(
        _ id: String?,
        _ function: String,
        _ payload: String,
        action: Call.Action = .await
    ) -> Call {
        Call(
            id: id.map { .text($0) },
            function: function,
            namespace: nil,
            payload: Array(payload.utf8),
            metadata: nil,
            action: action,
            propagation: Propagation()
        )
    }

    /// Calls from the first peer, if there is one, and waits for what is expected.
    func send(
        _ function: String,
        _ payload: String,
        _ expected: World.Expected,
        _ core: inout Core,
        action: Call.Action = .await
    ) throws(LogError) {
        guard let peer = world.peers.first else { return }
        counter += 1
        let id = "c\(counter)"
        world.calls[id] = World.Waiting(connection: peer.connection, expected: expected)
        let call = Self.call(id, function, payload, action: action)
        try core.handle(.call(peer.connection, call))
    }

    /// As ``send(_:_:_:_:action:)``, but says how it failed instead of throwing that: what a call
    /// had staged before the device failed may be found after the crash, so the models are to know.
    func attempt(_ function: String, _ payload: String, _ core: inout Core) -> LogError? {
        do throws(LogError) {
            try send(function, payload, .anything, &core)
            return nil
        } catch {
            return error
        }
    }

    // MARK: State

    /// The engine handles calls in order, so that the model knows each answer before it comes.
    func performState(_ step: Step, _ core: inout Core) throws(LogError) {
        guard !world.peers.isEmpty else { return }
        let before = core.log.staged
        let function: String
        let input: String
        var write: StateModel.Write?
        var expected: [UInt8]?
        var told = 0
        switch step {
        case .set(let number, let bytes):
            counter += 1
            let key = "k\(number % 4)"
            let value = "\"\(counter)\(String(repeating: "v", count: bytes))\""
            write = StateModel.Write(key: key, value: Array(value.utf8))
            expected = Self.written(old: state.values[key], new: Array(value.utf8))
            function = "state::set"
            input = #"{"scope":"s","key":"\#(key)","value":\#(value)}"#
        case .update(let number):
            let key = "u\(number % 3)"
            let old = state.values[key]
            let count = old.flatMap { JSONText(trusted: $0).member("n")?.numberValue }
            var sum: Int64 = 1
            if case .integer(let integer) = count { sum += integer }
            let new = Array(#"{"n":\#(sum)}"#.utf8)
            write = StateModel.Write(key: key, value: new)
            expected = Self.written(old: old, new: new)
            function = "state::update"
            let operation = #"{"type":"increment","path":"n","by":1}"#
            input = #"{"scope":"s","key":"\#(key)","ops":[\#(operation)]}"#
        case .get(let number), .delete(let number):
            let key = number % 2 == 0 ? "k\(number / 2 % 4)" : "u\(number / 2 % 3)"
            expected = state.values[key]
            input = #"{"scope":"s","key":"\#(key)"}"#
            function = if case .get = step { "state::get" } else { "state::delete" }
            told = expected == nil ? 0 : state.versions[key] ?? 0
            if case .delete = step, expected != nil {
                write = StateModel.Write(key: key, value: nil)
            }
        default: return
        }
        // Whoever waits is known before the answer can be held, and what was refused wrote nothing.
        let failure = attempt(function, input, &core)
        let isWritten = core.log.staged > before
        if let write, isWritten { state.write(write, at: before.rawValue) }
        if let failure { throw failure }
        if let write, isWritten {
            tally.count(write.value == nil ? .stateDeleted : .stateUpdated)
            told = state.writes.count
            expectReaction(to: write.key, since: before, core)
        } else if write != nil {
            told = 0
        }
        world.calls["c\(counter)"] = world.peers.first.map {
            World.Waiting(
                connection: $0.connection,
                expected: .state(expected, writes: told, isWrite: isWritten)
            )
        }
    }

    private static func written(old: [UInt8]?, new: [UInt8]) -> [UInt8] {
        let old = old.map { String(decoding: $0, as: UTF8.self) } ?? "null"
        let new = String(decoding: new, as: UTF8.self)
        return Array(#"{"old_value":\#(old),"new_value":\#(new)}"#.utf8)
    }

    // MARK: Calls, requests, cron

    func performCall(_ step: Step, _ core: inout Core) throws(LogError) {
        switch step {
        case .call:
            counter += 1
            let payload = Payload.text(counter)
            try send("echo", payload, .echo(Array(payload.utf8)), &core)
        case .route(let number, let isConditional):
            let condition = isConditional ? #","condition_function_id":"ask""# : ""
            let config = #"{"api_path":"/web","http_method":"POST"\#(condition)}"#
            try trigger(number, "http", "web", config, id: "web", &core)
        case .request:
            counter += 1
            let exchange = ExchangeID(loop: 0, number: UInt64(counter))
            // Every third has a key: the same as another one's, whose body is the same.
            let isKeyed = counter % 3 == 0
            let number = isKeyed ? counter % 7 : counter
            let body = Array(#"{"n":\#(number)}"#.utf8)
            world.exchanges[exchange] = body
            world.open.append(exchange)
            let request = HTTPRequest(
                method: "POST",
                path: "/web",
                query: nil,
                headers: [("content-type", "application/json")]
                    + (isKeyed ? [("idempotency-key", "k\(number)")] : []),
                body: body
            )
            try core.handle(.request(exchange, request, Propagation()))
        case .abandon(let number):
            guard !world.open.isEmpty else { return }
            let exchange = world.open.remove(at: Int(number % UInt64(world.open.count)))
            world.exchanges[exchange] = nil
            world.abandoned.insert(exchange)
            try core.handle(.requestAbandoned(exchange))
        case .cron(let number, let expression, let isConditional):
            let place = Int(expression % UInt64(Names.schedules.count))
            let condition = isConditional ? #","condition_function_id":"ask""# : ""
            let catchUps = [
                "", #","catch_up":"one""#, #","catch_up":"all","max":5"#,
                #","catch_up":"window","window":"10s""#, #","overlap":"queue","max":2"#,
            ]
            let catchUp = catchUps[Int(number >> 12) % catchUps.count]
            let text = Names.schedules[place].text
            let config = #"{"expression":"\#(text)"\#(condition)\#(catchUp)}"#
            try trigger(number, "cron", "tick", config, id: "t\(place)", &core)
        case .log:
            try send("engine::log::info", #"{"message":"simulated"}"#, .anything, &core)
        case .bind:
            let input = #"{"trigger_type":"nobody's","function_id":"echo","config":\#(counter)}"#
            try send("engine::register_trigger", input, .anything, &core)
        case .unbind(let number):
            let bound = core.views.work.bindings.all
            guard !bound.isEmpty else { return }
            let id = bound[Int(number % UInt64(bound.count))].trigger
            try send("engine::unregister_trigger", #"{"id":"\#(id)"}"#, .anything, &core)
        default: break
        }
    }

    func trigger(
        _ number: UInt64,
        _ type: String,
        _ function: String,
        _ config: String,
        id: String,
        _ core: inout Core
    ) throws(LogError) {
        guard let place = world.place(number) else { return }
        let request = TriggerRequest(
            id: id,
            type: type,
            function: function,
            config: JSONText(trusted: Array(config.utf8)),
            metadata: nil,
            namespace: nil
        )
        try core.handle(.register(world.peers[place].connection, .trigger(request)))
    }
}
