import CommitLog
import Engine
import Events
import Folding
import JSON
import Primitives
import State
import Stream

extension EngineSimulation {
    func performStore(_ step: StoreStep, _ core: inout Core) throws(LogError) {
        guard !world.peers.isEmpty else { return }
        switch step {
        case .compareAndSet(let number, let isRight):
            try compareAndSet("k\(number % 4)", number, isRight, &core)
        case .transact(let number, let isRight):
            try transact("k\(number % 2)", "k\(2 + number % 2)", number, isRight, &core)
        case .setPassing(let number, let milliseconds):
            let place = #""scope":"\#(StateModel.passingScope)","key":"p\#(number % 8)""#
            let input = #"{\#(place),"value":1,"ttl_ms":\#(milliseconds)}"#
            try send("state::set", input, .anything, &core)
        case .deletePassing(let number):
            let input = #"{"scope":"\#(StateModel.passingScope)","key":"p\#(number % 8)"}"#
            try send("state::delete", input, .anything, &core)
        case .react(let number, let key):
            guard let place = world.place(number) else { return }
            let key = Self.reactingKey(key)
            world.reacting[key] = world.peers[place].connection
            // Its function and its condition come back one after the other.
            let condition = number % 5 == 0 ? #","condition_function_id":"ask""# : ""
            let config = #"{"scope":"\#(StateModel.scope)","key":"\#(key)"\#(condition)}"#
            try trigger(number, "state", "react", config, id: "r-\(key)", &core)
        case .ignore(let number, let key):
            guard let place = world.place(number) else { return }
            let connection = world.peers[place].connection
            let key = Self.reactingKey(key)
            if world.reacting[key] == connection { world.reacting[key] = nil }
            try core.handle(.register(connection, .removeTrigger(id: "r-\(key)")))
        case .setItem, .deleteItem, .getItem, .tell: try performStream(step, &core)
        }
    }

    private static func reactingKey(_ number: UInt64) -> String {
        number % 2 == 0 ? "k0" : "u1"
    }

    /// Who has a trigger for a key hears of each of its writes.
    func expectReaction(to key: String, since: Offset, _ core: borrowing Core) {
        guard let owner = world.reacting[key],
            world.peers.contains(where: { $0.connection == owner })
        else { return }
        if since.distance(to: core.log.staged) < 2 { find("a write of \(key) fired no trigger") }
    }

    // MARK: Revisions

    private func revision(_ key: String, _ number: UInt64, _ isRight: Bool) -> UInt64 {
        let revision = state.revision(of: key)
        return isRight ? revision : revision + 1 + number % 3
    }

    private func value(_ number: Int) -> [UInt8] { Array("\"\(number)\"".utf8) }

    private func expect(_ answer: String, writes: Int, isWrite: Bool) {
        world.calls["c\(counter)"] = world.peers.first.map {
            World.Waiting(
                connection: $0.connection,
                expected: .state(Array(answer.utf8), writes: writes, isWrite: isWrite)
            )
        }
    }

    private func compareAndSet(
        _ key: String,
        _ number: UInt64,
        _ isRight: Bool,
        _ core: inout Core
    ) throws(LogError) {
        counter += 1
        let new = String(decoding: value(counter), as: UTF8.self)
        let current = state.revision(of: key)
        let old = state.values[key].map { String(decoding: $0, as: UTF8.self) } ?? "null"
        let expected = revision(key, number, isRight)
        let place = #""scope":"\#(StateModel.scope)","key":"\#(key)""#
        let before = core.log.staged
        let failure = attempt(
            "state::set",
            #"{\#(place),"value":\#(new),"if_revision":\#(expected)}"#,
            &core
        )
        if isRight, core.log.staged > before {
            state.write(StateModel.Write(key: key, value: Array(new.utf8)), at: before.rawValue)
        }
        if let failure { throw failure }
        guard isRight else {
            tally.count(.conflicted)
            if core.log.staged > before { find("\(key) was set at a wrong revision") }
            let outcome = current == 0 ? "not_found" : "conflict"
            let told = current == 0 ? 0 : state.versions[key] ?? 0
            return expect(
                #"{"outcome":"\#(outcome)","revision":\#(current)}"#,
                writes: told,
                isWrite: false
            )
        }
        // What is refused for a full disk says so, and is not written.
        guard core.log.staged > before else { return }
        tally.count(.compared)
        expectReaction(to: key, since: before, core)
        expect(
            #"{"outcome":"applied","revision":\#(before),"old_value":\#(old),"new_value":\#(new)}"#,
            writes: state.writes.count,
            isWrite: true
        )
    }

    private func transact(
        _ first: String,
        _ second: String,
        _ number: UInt64,
        _ isRight: Bool,
        _ core: inout Core
    ) throws(LogError) {
        counter += 1
        let new = String(decoding: value(counter), as: UTF8.self)
        let current = state.revision(of: first)
        let scope = #""scope":"\#(StateModel.scope)""#
        let check =
            #"{\#(scope),"key":"\#(first)","if_revision":\#(revision(first, number, isRight))}"#
        let writes = [first, second].map {
            #"{"type":"set",\#(scope),"key":"\#($0)","value":\#(new)}"#
        }.joined(separator: ",")
        let before = core.log.staged
        let after = before.advanced(by: 1)
        let failure = attempt(
            "state::transact",
            #"{"checks":[\#(check)],"writes":[\#(writes)]}"#,
            &core
        )
        if isRight, core.log.staged > before {
            let made = Array(new.utf8)
            let write = StateModel.Write(key: first, value: made)
            state.write(write, at: before.rawValue, isJoined: true)
            state.write(StateModel.Write(key: second, value: made), at: after.rawValue)
        }
        if let failure { throw failure }
        guard isRight else {
            if core.log.staged > before { find("\(first) was at another revision") }
            let told = max(state.versions[first] ?? 0, 0)
            let conflict = #"{"check":0,\#(scope),"key":"\#(first)","revision":\#(current)}"#
            return expect(
                #"{"outcome":"conflict","conflicts":[\#(conflict)]}"#,
                writes: current == 0 ? 0 : told,
                isWrite: false
            )
        }
        guard core.log.staged > before else { return }
        tally.count(.transacted)
        let results = [(first, before), (second, after)].map {
            #"{\#(scope),"key":"\#($0.0)","revision":\#($0.1)}"#
        }.joined(separator: ",")
        expect(
            #"{"outcome":"applied","revision":\#(after),"results":[\#(results)]}"#,
            writes: state.writes.count,
            isWrite: true
        )
    }

    // MARK: Streams

    /// A call of a stream's function, and what has to come of it.
    private struct StreamCall {
        let function: String
        let input: String
        let expected: [UInt8]?
        var event: StreamEvent?
    }

    private func performStream(_ step: StoreStep, _ core: inout Core) throws(LogError) {
        let before = core.log.staged
        let call = streamCall(step)
        let failure = attempt(call.function, "{\(call.input)}", &core)
        // A full disk refuses it, and so does an old value that cannot be read.
        let isWritten = core.log.staged > before
        var told = 0
        if let event = call.event, isWritten {
            stream.add(event)
            told = stream.events.count
            tally.count(.streamed)
        }
        if let failure { throw failure }
        world.calls["c\(counter)"] = world.peers.first.map {
            World.Waiting(
                connection: $0.connection,
                expected: .item(call.expected, events: told)
            )
        }
    }

    private func streamCall(_ step: StoreStep) -> StreamCall {
        let group = StreamModel.group
        let place = #""stream_name":"\#(group.stream)","group_id":"\#(group.group)""#
        counter += 1
        switch step {
        case .setItem(let number, let bytes):
            return setItem("i\(number % 3)", bytes: bytes, place)
        case .getItem(let number):
            let item = "i\(number % 3)"
            return StreamCall(
                function: "stream::get",
                input: #"\#(place),"item_id":"\#(item)""#,
                expected: stream.items[item]
            )
        case .deleteItem(let number):
            let item = "i\(number % 3)"
            let old = stream.items[item]
            return StreamCall(
                function: "stream::delete",
                input: #"\#(place),"item_id":"\#(item)""#,
                expected: Array(#"{"old_value":\#(Self.shown(old))}"#.utf8),
                event: old.map {
                    .deleted(
                        StreamDeleted(stream: group.stream, group: group.group, item: item, old: $0)
                    )
                }
            )
        default:
            let data = Array("\(counter)".utf8)
            return StreamCall(
                function: "stream::send",
                input: #"\#(place),"type":"t","data":\#(counter)"#,
                expected: Array("null".utf8),
                event: .sent(
                    StreamSent(
                        stream: group.stream,
                        group: group.group,
                        item: nil,
                        type: "t",
                        data: data
                    )
                )
            )
        }
    }

    private static func shown(_ value: [UInt8]?) -> String {
        value.map { String(decoding: $0, as: UTF8.self) } ?? "null"
    }

    private func setItem(_ item: String, bytes: Int, _ place: String) -> StreamCall {
        let text = "\"\(counter)\(String(repeating: "i", count: bytes))\""
        let old = stream.items[item]
        return StreamCall(
            function: "stream::set",
            input: #"\#(place),"item_id":"\#(item)","data":\#(text)"#,
            expected: Array(#"{"old_value":\#(Self.shown(old)),"new_value":\#(text)}"#.utf8),
            event: .set(
                StreamSet(
                    stream: StreamModel.group.stream,
                    group: StreamModel.group.group,
                    item: item,
                    value: Array(text.utf8),
                    isNew: old == nil,
                    function: "stream::set"
                )
            )
        )
    }
}
