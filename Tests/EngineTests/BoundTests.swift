import AccessControl
import HTTP
import JSON
import Observe
import Primitives
import Testing

@testable import Engine

/// What one worker can make the engine keep.
@Suite("Bounds of workers")
struct BoundTests {
    private func register(_ peer: Peer, _ count: Int) -> [Command] {
        (0..<count).map { .serve(peer, "f\($0)") }
    }

    @Test("registrations wait for a namespace as far as there is room; who sends more is cut off")
    func namespace() throws {
        let lab = try Lab()
        let other = try lab.join("other", serving: "g")
        let flooder = try lab.connect()
        try lab.turn(register(flooder, Limits.waitingRegistrations))
        #expect(lab.engine.registry.workers.count == 2)
        let end = try lab.settle(.serve(flooder, "one more"))
        #expect(end.lines(to: flooder) == ["close 1008 too many registrations wait"])
        #expect(lab.engine.registry.workers.count == 1)
        #expect(try lab.settle(.call(other, "g")).dispatches.count == 1)
        lab.pass(seconds: 6)
        try lab.settle()
        #expect(lab.engine.registry.functions.count == 1)
    }

    @Test("so do large ones, by their bytes")
    func bytes() throws {
        let lab = try Lab(segmentBytes: 64 << 20)
        let flooder = try lab.connect()
        let text = String(repeating: "x", count: 1 << 20)
        var sent = 0
        while lab.engine.registry.workers.count == 1, sent < 100 {
            try lab.turn(.serve(flooder, "f", #"{"description":"\#(text)"}"#))
            sent += 1
        }
        #expect(sent == 32)
    }

    @Test("registrations wait for a hook as far as there is room")
    func hook() throws {
        let lab = try Lab()
        let admin = try lab.join("admin", serving: "on::function")
        let connection = ConnectionID(loop: 0, number: 901)
        let rules = AccessRules(rbac: RoleRules(onFunction: "on::function"))
        let access = Access(rules, .full)
        let joined = try lab.settle(.workerJoined(connection, address: "a", access: access))
        guard case .send(_, .registered(let worker, let token, _))? = joined.first else { return }
        let flooder = Peer(connection: connection, worker: worker, token: token)
        try lab.settle(.call(connection, .describe("guest", nil, "node", "0.25.0")))
        #expect(try lab.settle(.serve(flooder, "f")).dispatches.count == 1)
        try lab.turn(register(flooder, Limits.waitingRegistrations))
        let end = try lab.settle(.serve(flooder, "one more"))
        #expect(end.lines(to: flooder) == ["close 1008 too many registrations wait"])
        #expect(Array(lab.engine.registry.workers.keys) == [admin.connection])
    }

    @Test("what waits for a hook that is gone is refused at once, in one go")
    func missingHook() throws {
        let lab = try Lab()
        let admin = try lab.join("admin", serving: "on::function")
        let connection = ConnectionID(loop: 0, number: 901)
        let access = Access(AccessRules(rbac: RoleRules(onFunction: "on::function")), .full)
        let joined = try lab.settle(.workerJoined(connection, address: "a", access: access))
        guard case .send(_, .registered(let worker, let token, _))? = joined.first else { return }
        let guest = Peer(connection: connection, worker: worker, token: token)
        try lab.settle(.call(connection, .describe("guest", nil, "node", "0.25.0")))
        try lab.turn(register(guest, Limits.waitingRegistrations))
        try lab.settle(.workerLeft(admin.connection, reason: "gone"))
        let screening = try #require(lab.engine.registry.workers[connection]?.screening)
        #expect(screening.asked == nil)
        #expect(screening.waiting.count == 0)
    }

    @Test("an event leads to so many activations, however its observers multiply")
    func multiplying() throws {
        let lab = try Lab()
        let watcher = try lab.joinObserving("w")
        for id in ["a", "b"] {
            let observe = Command.observe(watcher, "state::set", "state::set", id: id) {
                $0.deliver = "input"
            }
            try lab.settle(observe)
        }
        let set = #"{"scope":"s","key":"k","value":1}"#
        try lab.settle(.call(watcher, "state::set", set))
        let fires = ["a", "b"].reduce(0) { $0 + (lab.engine.observers[$1]?.fires ?? 0) }
        #expect(fires == UInt64(2 + Limits.chainedActivations))
        let notices = lab.engine.takeNotices().filter { $0.text.contains("were left out") }
        #expect(notices.count == 1)
        #expect(lab.isQuiet)
        // The next event has as many again.
        try lab.settle(.call(watcher, "state::set", set))
        let later = ["a", "b"].reduce(0) { $0 + (lab.engine.observers[$1]?.fires ?? 0) }
        #expect(later == 2 * fires)
    }

    @Test("so it does where workers stand in between, over many turns")
    func multiplyingWorkers() throws {
        let lab = try Lab()
        let shop = try lab.joinObserving("shop", serving: "pay")
        for id in ["a", "b"] {
            try lab.settle(.observe(shop, "pay", "pay", id: id))
            try lab.accept(shop, id, of: "pay")
        }
        var waiting = try lab.settle(.call(shop, "pay")).dispatches
        var served = 0
        while let next = waiting.popLast(), served < 5000 {
            served += 1
            waiting += try lab.turn(.answer(shop, next.invocation)).dispatches
            waiting += try lab.settle().dispatches
        }
        #expect(served == 1 + 2 + Limits.chainedActivations)
        let notices = lab.engine.takeNotices().filter { $0.text.contains("were left out") }
        #expect(notices.count == 1)
    }

    @Test("deadlines that nobody waits for any more do not pile up")
    func timers() throws {
        let lab = try Lab()
        _ = try lab.join("shop", serving: "pay")
        let watcher = try lab.joinObserving("alerts", serving: "paid")
        for _ in 0..<5000 {
            try lab.turn(
                .observe(watcher, "pay", "paid") { $0.lifetimeMilliseconds = 3_600_000 },
                .unobserve(watcher)
            )
        }
        #expect(lab.engine.timers.count < 2500)
        try lab.settle(.observe(watcher, "pay", "paid") { $0.lifetimeMilliseconds = 60_000 })
        for number in 0..<3000 {
            try lab.turn(
                .observe(watcher, "pay", "paid", id: "x\(number)") {
                    $0.lifetimeMilliseconds = 3_600_000
                },
                .unobserve(watcher, "x\(number)")
            )
        }
        lab.pass(seconds: 61)
        #expect(try lab.settle().lines.contains("o is disposed (EXPIRED), fires 0"))
    }

    @Test("nor do those of requests that were answered")
    func requests() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.trigger(worker, "http", #"{"api_path":"/f"}"#, to: "f"))
        for number in 0..<5000 {
            let call = try #require(
                try lab.settle(.get("/f", exchange: UInt64(number))).dispatches.first
            )
            try lab.turn(.answer(worker, call.invocation, #"{"status_code":200}"#))
        }
        #expect(lab.engine.timers.count < 2500)
        let waiting = try lab.settle(.get("/f", exchange: 9999)).dispatches
        #expect(waiting.count == 1)
        lab.pass(seconds: 31)
        #expect(try lab.settle().first?.reply?.status == 504)
    }
}
