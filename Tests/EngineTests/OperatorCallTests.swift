import CommitLog
import Events
import JSON
import Primitives
import RecordFormat
import Testing

@testable import Engine

@Suite("Calls of operators")
struct OperatorCallTests {
    private static let connection = ConnectionID.operators(ofLoop: 0)

    private func call(
        _ function: String,
        _ payload: String = "{}",
        as action: Call.Action = .await
    ) -> Command {
        .call(
            Self.connection,
            Call(
                id: .uuid(UUID128(high: 0, low: 9)),
                function: function,
                payload: Array(payload.utf8),
                action: action
            )
        )
    }

    @Test("reading answers and leaves no record")
    func reads() throws {
        let lab = try Lab()
        let before = lab.engine.log.staged
        let empty = try lab.settle(call("state::list_groups"))
        #expect(empty.lines == [#"state::list_groups = {"groups":[]}"#])
        for function in ["engine::workers::list", "engine::queue::list_topics"] {
            #expect(try lab.settle(call(function)).count == 1)
            #expect(OperatorCall.onlyReads(FunctionName(namespace: "default", id: function)))
        }
        #expect(lab.engine.log.staged == before)
    }

    @Test("a change begins with a record that says who wanted it, and ends with what it came to")
    func writes() throws {
        let lab = try Lab()
        let before = lab.engine.log.staged
        let input = #"{"scope":"s","key":"k","value":1}"#
        let effects = try lab.settle(call("state::set", input))
        #expect(effects.lines.count == 1)
        #expect(lab.value(scope: "s", key: "k") == "1")
        var events: [Event] = []
        var causes: [Offset?] = []
        for place in before.rawValue..<lab.engine.log.staged.rawValue {
            _ = try lab.engine.log.record(at: Offset(place)) { record -> Void? in
                guard let event = try? Event(record) else { return nil }
                events.append(event)
                causes.append(record.cause)
                return ()
            }
        }
        #expect(events.map(\.kind) == [.triggered, .stateSet, .completed])
        #expect(causes == [nil, before, before])
        guard case .triggered(let root)? = events.first else { return }
        #expect(root.type == "dashboard")
        #expect(root.summary == "state::set")
        #expect(String(decoding: root.event, as: UTF8.self) == input)
        #expect(!OperatorCall.onlyReads(FunctionName(namespace: "default", id: "state::set")))
    }

    @Test("of every function of the engine it is known whether it changes something")
    func changing() {
        let changing = Builtin.ids.filter {
            !OperatorCall.onlyReads(FunctionName(namespace: "default", id: $0))
        }
        #expect(
            changing == [
                "configuration::register", "configuration::set", "engine::alerts::evaluate",
                "engine::channels::create", "engine::cron::pause", "engine::cron::resume",
                "engine::cron::run", "engine::log::debug", "engine::log::error",
                "engine::log::info", "engine::log::trace", "engine::log::warn",
                "engine::logs::clear", "engine::queue::enqueue", "engine::register_trigger",
                "engine::replay", "engine::traces::clear", "engine::unregister_trigger",
                "engine::workers::register", "enqueue", "iii::durable::publish",
                "iii::queue::discard", "iii::queue::discard_message", "iii::queue::purge",
                "iii::queue::redrive", "iii::queue::redrive_message", "publish", "queue::define",
                "state::delete", "state::set", "state::transact", "state::update",
                "stream::delete", "stream::send", "stream::set", "stream::update",
            ]
        )
        #expect(!OperatorCall.onlyReads(FunctionName(namespace: "default", id: "hello")))
    }

    @Test("a worker's function is run for it, and answers it")
    func worker() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        let effects = try lab.settle(call("f", "7"))
        #expect(effects.lines == ["invoke f 7"])
        let dispatch = try #require(effects.dispatches.first)
        #expect(dispatch.caller == nil)
        let answer = try lab.settle(.answer(worker, dispatch.invocation, "8"))
        #expect(answer.lines == ["f = 8"])
        guard case .send(Self.connection, _)? = answer.first else {
            Issue.record("the answer went elsewhere")
            return
        }
    }

    @Test("what nobody serves is not found, and leaves no record")
    func notFound() throws {
        let lab = try Lab()
        let before = lab.engine.log.staged
        let lines = try lab.settle(call("gone")).lines
        #expect(
            lines == ["gone = function_not_found: Function gone not found in namespace default."]
        )
        #expect(lab.engine.log.staged == before)
    }

    @Test("an enqueue gets a receipt when its record is on disk")
    func enqueue() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        let early = try lab.turn(call("f", "1", as: .enqueue(queue: "default")))
        #expect(early.isEmpty)
        let effects = try lab.settle()
        let receipts = effects.filter {
            if case .send(Self.connection, .receipt) = $0 { true } else { false }
        }
        #expect(receipts.count == 1)
        #expect(effects.dispatches.map(\.function) == ["f"])
        _ = worker
    }

    @Test("nobody else is answered without having joined")
    func strangers() throws {
        let lab = try Lab()
        let stranger = ConnectionID(loop: 0, number: 77)
        let call = Call(id: .text("1"), function: "state::list_groups", payload: [])
        #expect(try lab.settle(.call(stranger, call)).isEmpty)
    }
}
