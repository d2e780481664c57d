import Events
import Folding
import HTTP
import LogTools
import Primitives
import Testing

@testable import Engine

/// What requests are told between a start of the engine and the return of its workers.
@Suite("Routes after a start")
struct ExpectedRouteTests {
    private static let users = #"{"api_path":"/users/:id"}"#

    /// An engine with a worker that serves `GET /users/:id`.
    private func first() throws -> (lab: Lab, worker: Peer) {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.trigger(worker, "http", Self.users, to: "f"))
        #expect(try lab.settle(.get("/users/1")).dispatches.count == 1)
        return (lab, worker)
    }

    private func reply(_ lab: Lab, _ path: String, _ method: String = "GET") throws -> HTTPReply? {
        try lab.settle(.get(path, method: method)).compactMap(\.reply).first
    }

    private func status(_ lab: Lab, _ path: String, _ method: String = "GET") throws -> Int? {
        try reply(lab, path, method)?.status
    }

    @Test("a route of before a crash is 503 until it is back, and all else as ever")
    func crash() throws {
        let (lab, _) = try first()
        let next = try lab.restarted()
        #expect(next.recovered == Digest(of: lab.engine.views))
        let refused = try #require(try reply(next, "/users/7"))
        #expect(refused == .routeNotReady)
        #expect(refused.status == 503)
        #expect(refused.headers.contains { $0.name == "retry-after" && $0.value == "1" })
        let body = String(decoding: refused.body, as: UTF8.self)
        #expect(body.contains(#""code":"ROUTE_NOT_READY""#))
        #expect(!refused.isBare)
        for (method, path) in [("POST", "/users/7"), ("HEAD", "/users/7"), ("GET", "/nowhere")] {
            #expect(try status(next, path, method) == 404, "\(method) \(path)")
        }
        #expect(try reply(next, "/users/7", "OPTIONS") == HTTPReply.options(nil))

        let worker = try next.join("w", serving: "f")
        #expect(try status(next, "/users/7") == 503, "it is not its function that is waited for")
        try next.settle(.trigger(worker, "http", Self.users, to: "f"))
        #expect(next.engine.expectedRoutes.isEmpty)
        #expect(try next.settle(.get("/users/7", exchange: 2)).dispatches.count == 1)
        try next.settle(.register(worker.connection, .removeTrigger(id: "t")))
        #expect(try status(next, "/users/7") == 404, "it was taken back")
    }

    @Test("when the time is over, it is 404 and nothing is kept of it")
    func grace() throws {
        let (lab, _) = try first()
        let next = try lab.restarted()
        next.pass(seconds: 9.9)
        #expect(try status(next, "/users/7") == 503)
        next.pass(seconds: 0.2)
        #expect(try status(next, "/users/7") == 404)
        #expect(next.engine.expectedRoutes.isEmpty)
        #expect(next.engine.timeUntilDue() == nil)
    }

    @Test("workers that a stopping engine lets go take no route with them")
    func drain() throws {
        let (lab, worker) = try first()
        try lab.settle(.drain)
        try lab.settle(.register(worker.connection, .removeTrigger(id: "t")))
        try lab.settle(.workerLeft(worker.connection, reason: "closed"))
        let next = try lab.restarted()
        #expect(next.recovered == Digest(of: lab.engine.views))
        #expect(try status(next, "/users/7") == 503)
    }

    @Test("a worker that left by itself takes its routes with it, and a replica keeps them")
    func left() throws {
        for hasReplica in [false, true] {
            let (lab, worker) = try first()
            if hasReplica {
                let replica = try lab.join("w", serving: "f")
                try lab.settle(.trigger(replica, "http", Self.users, to: "f", id: "r"))
            }
            try lab.settle(.workerLeft(worker.connection, reason: "gone"))
            try lab.settle(.drain)
            let next = try lab.restarted()
            #expect(try status(next, "/users/7") == (hasReplica ? 503 : 404))
        }
    }

    @Test("a method of a path that is back is waited for as well, and is 405 then")
    func methods() throws {
        let (lab, _) = try first()
        let next = try lab.restarted()
        let worker = try next.join("w", serving: "f")
        let config = #"{"api_path":"/users/:id","http_method":"PUT"}"#
        try next.settle(.trigger(worker, "http", config, to: "f"))
        #expect(try status(next, "/users/7") == 503)
        #expect(try status(next, "/users/7", "DELETE") == 405)
        next.pass(seconds: 10)
        #expect(try status(next, "/users/7") == 405)
    }

    @Test("a route that goes before the one that is back is waited for, and one behind it is not")
    func precedence() throws {
        let (lab, worker) = try first()
        let others = [("me", #"{"api_path":"/users/me"}"#), ("any", #"{"api_path":"/:kind/:id"}"#)]
        for (id, config) in others {
            try lab.settle(.trigger(worker, "http", config, to: "f", id: id))
        }
        let next = try lab.restarted()
        let back = try next.join("w", serving: "f")
        try next.settle(.trigger(back, "http", Self.users, to: "f"))
        #expect(try next.settle(.get("/users/7", exchange: 2)).dispatches.count == 1)
        #expect(try status(next, "/users/me") == 503)
        next.pass(seconds: 10)
        #expect(try next.settle(.get("/users/me", exchange: 3)).dispatches.count == 1)
    }

    @Test("no time at all turns it off")
    func off() throws {
        let (lab, _) = try first()
        let next = try lab.restarted { $0.http.reconnectGrace = 0 }
        #expect(try status(next, "/users/7") == 404)
        #expect(next.engine.expectedRoutes.isEmpty)
    }

    @Test("the time can be edited while it runs, and counts from the start")
    func edited() throws {
        let (lab, _) = try first()
        let next = try lab.restarted()
        func edit(seconds: UInt64) throws {
            var settings = LiveSettings(next.engine.options)
            settings.http.reconnectGrace = seconds * 1_000_000_000
            try next.settle(.configure(settings))
        }
        try edit(seconds: 20)
        next.pass(seconds: 15)
        #expect(try status(next, "/users/7") == 503)
        try edit(seconds: 15)
        #expect(try status(next, "/users/7") == 404)
        #expect(next.engine.expectedRoutes.isEmpty)
    }

    @Test("a start from a snapshot knows them, and retention keeps what made them")
    func snapshot() throws {
        let first = try Lab(segmentBytes: 64 << 10)
        let worker = try first.join("w", serving: "f")
        try first.settle(.trigger(worker, "http", Self.users, to: "f"))
        for number in 0..<40 {
            let set = #"{"scope":"s","key":"\#(number)","value":1}"#
            try first.settle(.call(worker, "state::set", set))
        }
        let views = first.engine.views
        var kept = 0
        for (number, event) in try first.recordedEvents().enumerated() {
            guard case .triggerRegistered = event else { continue }
            let offset = Offset(UInt64(number))
            #expect(views.need(of: event, at: offset) == .route)
            kept += 1
        }
        #expect(kept == 1)
        first.disk.crash(keepingWrite: false)
        let second = try Lab(
            disk: first.disk,
            at: first.now.wall,
            life: 2,
            segmentBytes: 64 << 10,
            snapshotUntil: first.disk.sealedEnd
        )
        #expect(second.recoveredDigest.routes == views.work.routes.digest())
        #expect(try status(second, "/users/7") == 503)
    }
}
