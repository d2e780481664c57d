import Events
import JSON
import Observe
import Primitives
import Testing

@testable import Engine

/// What a worker may register, and what it hears where it may not.
@Suite("Quotas of workers")
struct QuotaTests {
    private let long = String(repeating: "x", count: 5000)

    @Test("a worker has so many registrations; further ones are refused, and it goes on")
    func quota() throws {
        let lab = try Lab(segmentBytes: 16 << 20)
        let other = try lab.join("other", serving: "g")
        let worker = try lab.joinObserving("flood", serving: "f")
        try lab.settle(.provide(worker, "mail"))
        try lab.settle(.trigger(worker, "later", "{}", to: "f"))
        try lab.settle(.observe(worker, "f", "f"))
        for number in 4..<Limits.registrations {
            try lab.turn(.serve(worker, "f\(number)"))
            if number.isMultiple(of: 100) { try lab.settle() }
        }
        try lab.settle()
        _ = lab.engine.takeNotices()
        #expect(
            try lab.settle(.serve(worker, "more")).lines
                == ["rejected FUNCTION_NAMESPACE_CONFLICT more"]
        )
        let trigger = try lab.settle(.trigger(worker, "later", "{}", to: "f", id: "t2"))
        #expect(trigger.lines.first?.hasPrefix("trigger t2: one connection has at most") == true)
        #expect(try lab.settle(.provide(worker, "letters")).isEmpty)
        let observe = try lab.settle(.observe(worker, "f", "f", id: "o2"))
        #expect(observe.lines.first?.hasPrefix("observe o2: error") == true)
        #expect(lab.engine.takeNotices().count { $0.text.contains("was ignored") } == 1)
        #expect(lab.engine.registry.functions[FunctionName(id: "more")] == nil)
        // What it has it may register again, and others have as much.
        #expect(try lab.settle(.trigger(worker, "later", "[]", to: "f")).isEmpty)
        try lab.settle(.serve(worker, "f"), .serve(other, "more"))
        #expect(lab.engine.registry.isServed(FunctionName(id: "more")))
        // One less is room for one.
        try lab.settle(.register(worker.connection, .removeFunction(id: "f4")))
        try lab.settle(.serve(worker, "f4"))
        #expect(lab.engine.registry.isServed(FunctionName(id: "f4")))

        try lab.settle(.workerLeft(worker.connection, reason: "gone"))
        #expect(lab.engine.registry.functions.keys.map(\.id).sorted() == ["g", "more"])
        #expect(lab.engine.registry.triggers.isEmpty)
        #expect(lab.engine.registry.types.isEmpty)
    }

    @Test("what a worker registers holds so many bytes and no more, and it goes on")
    func bytes() throws {
        let lab = try Lab()
        let peer = try lab.join("flood", serving: "f")
        let worker = try #require(lab.engine.registry.workers[peer.connection])
        // As if it had registered so much.
        worker.holdings[.function(FunctionName(id: "large"))] = Limits.registrationBytes - 100
        let definition = #"{"description":"\#(String(repeating: "d", count: 200))"}"#
        #expect(
            try lab.settle(.serve(peer, "more", definition)).lines
                == ["rejected FUNCTION_NAMESPACE_CONFLICT more"]
        )
        let notices = lab.engine.takeNotices()
        #expect(notices.contains { $0.text.contains("of 67108864 bytes in all") })
        let trigger = try lab.settle(.trigger(peer, "later", definition, to: "f", id: "t2"))
        #expect(trigger.lines.first?.hasPrefix("trigger t2: one connection has at most") == true)
        try lab.settle(.serve(peer, "small"))
        #expect(lab.engine.registry.isServed(FunctionName(id: "small")))
        // What is gone has given its room back.
        worker.holdings[.function(FunctionName(id: "large"))] = 0
        try lab.settle(.serve(peer, "more", definition))
        #expect(lab.engine.registry.isServed(FunctionName(id: "more")))
    }

    @Test("what a worker takes back holds nothing")
    func takenBack() throws {
        let lab = try Lab()
        let peer = try lab.joinObserving("w", serving: "f")
        let worker = try #require(lab.engine.registry.workers[peer.connection])
        let before = worker.holdings.bytes
        try lab.settle(.serve(peer, "g", #"{"description":"text"}"#))
        #expect(worker.holdings.bytes == before + 1 + 22)
        try lab.settle(.serve(peer, "g"))
        #expect(worker.holdings.bytes == before + 1 + 2, "the later in the place of the earlier")
        try lab.settle(.trigger(peer, "later", "{}", to: "f"))
        try lab.settle(.provide(peer, "mail"))
        #expect(worker.holdings.bytes > before + 3)
        try lab.settle(.register(peer.connection, .removeFunction(id: "g")))
        try lab.settle(.register(peer.connection, .removeTrigger(id: "t")))
        try lab.settle(.register(peer.connection, .removeTriggerType(id: "mail", namespace: nil)))
        #expect(worker.holdings.bytes == before)
        try lab.settle(.observe(peer, "f", "f"))
        #expect(lab.engine.observers.bytes(ofHolder: peer.connection) > 0)
        try lab.settle(.register(peer.connection, .unobserve(id: "o")))
        #expect(lab.engine.observers.bytes(ofHolder: peer.connection) == 0)
    }

    @Test("a worker is told of names that are too long, in a message that is not")
    func names() throws {
        let lab = try Lab()
        let worker = try lab.joinObserving("w")
        let cut = String(long.prefix(Limits.nameBytes))
        #expect(
            try lab.settle(.serve(worker, long)).lines
                == ["rejected FUNCTION_NAMESPACE_CONFLICT \(cut)"]
        )
        let trigger = try lab.settle(.trigger(worker, "mail", "{}", to: long))
        #expect(trigger.lines.first?.hasPrefix("trigger t: an id or namespace in it has") == true)
        guard case .send(_, .triggerFailed(_, _, let function, _))? = trigger.first else { return }
        #expect(function == cut)
        let observe = try lab.settle(.observe(worker, "f", "f", id: long))
        #expect(observe.lines.first?.hasPrefix("observe \(cut): error") == true)
        #expect(lab.engine.registry.functions.isEmpty)
    }

    @Test("why a provider refuses a trigger is told in few words")
    func rejection() throws {
        let lab = try Lab()
        let provider = try lab.join("p")
        let old = try lab.join("c", runtime: "python", version: "0.21.8")
        try lab.settle(.provide(provider, "mail"))
        try lab.settle(.trigger(old, "mail", "{}", to: "f"))
        let endless = String(repeating: "é", count: 1 << 20)
        let left = try lab.settle(.refuse(provider, "t", "mail", endless))
        guard case .send(old.connection, .triggerFailed(_, _, _, let error))? = left.first else {
            Issue.record("\(left.count)")
            return
        }
        #expect(error.message == String(repeating: "é", count: Limits.nameBytes / 2))
        #expect(error.code == "bad")
    }

    @Test("those who provide many types lose them at once, and their triggers wait in order")
    func types() throws {
        let lab = try Lab()
        let client = try lab.join("c")
        let provider = try lab.join("p")
        let types = (0..<50).map { "t\($0)" }
        for type in types {
            try lab.settle(.provide(provider, type))
            try lab.settle(.trigger(client, type, "{}", to: "f", id: type))
        }
        let standby = try lab.join("q")
        for type in types.prefix(2) { try lab.settle(.provide(standby, type)) }
        try lab.settle(.workerLeft(standby.connection, reason: "gone"))
        #expect(lab.engine.registry.triggers.values.allSatisfy { !$0.isParked })
        try lab.settle(.workerLeft(provider.connection, reason: "gone"))
        #expect(lab.engine.registry.triggers.values.allSatisfy { $0.isParked })
        #expect(lab.engine.registry.triggers.count == types.count)
        #expect(lab.engine.registry.types.isEmpty)
    }

    @Test("an event that its worker's SDK cannot receive is told of")
    func tooLargeEvent() throws {
        let lab = try Lab(segmentBytes: 64 << 20)
        let old = try lab.join("w", runtime: "python", version: "0.21.8", serving: "told")
        let text = String(repeating: "d", count: 1 << 20)
        try lab.settle(.trigger(old, "engine::functions-available", "{}", to: "told"))
        try lab.settle(.serve(old, "large", #"{"description":"\#(text)"}"#))
        _ = lab.engine.takeNotices()
        lab.pass(seconds: 6)
        #expect(try lab.settle().dispatches.isEmpty)
        let notices = lab.engine.takeNotices().map(\.text)
        let told = notices.filter { $0.hasPrefix("a call of told by the engine, who waits for no") }
        #expect(told.count == 1)
        #expect(told.first?.contains("payload_too_large: the message has") == true)
    }

    @Test("numbers of before they were bounded reach no worker, and those who wait are told")
    func oldNumbers() throws {
        let lab = try Lab { options in options.queues["once"] = .once(attempts: 1) }
        let worker = try lab.join("w", serving: "f")
        let old = "[\(String(repeating: "1", count: 5000))]"
        #expect(
            try lab.settle(.call(worker, "f", old)).lines.first?.hasPrefix("f = invocation_error")
                == true
        )
        #expect(try lab.settle(.enqueue(worker, "f", old, to: "once")).dispatches.isEmpty)
        let letter = lab.engine.takeNotices().map(\.text).first { $0.contains("dead letter") }
        #expect(letter?.contains("more than 308 digits") == true)
        try lab.settle(.call(worker, "state::set", #"{"scope":"s","key":"k","value":\#(old)}"#))
        let read = try lab.settle(.call(worker, "state::get", #"{"scope":"s","key":"k"}"#))
        #expect(read.lines.first?.hasPrefix("state::get = invocation_error") == true)
        try lab.settle(.trigger(worker, "mail", old, to: "f"))
        let bound = try lab.settle(.provide(worker, "mail"))
        #expect(bound.lines.first?.hasPrefix("trigger t: the payload is from before") == true)
    }
}
