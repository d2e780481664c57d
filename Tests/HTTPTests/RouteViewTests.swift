import Events
import Primitives
import RecordFormat
import Testing

@testable import HTTP

private let one = UUID128(high: 1, low: 1)
private let two = UUID128(high: 2, low: 2)

/// A record of a trigger with the route `GET /a`, or another one.
private func record(
    _ id: String,
    _ route: String = "GET /a",
    by worker: UUID128 = one,
    type: String = "http"
) -> TriggerRegistered {
    let parts = route.split(separator: " ")
    let config = #"{"http_method":"\#(parts[0])","api_path":"\#(parts[1])"}"#
    return TriggerRegistered(
        worker: worker,
        trigger: id,
        type: type,
        function: FunctionName(id: "f"),
        config: Array(config.utf8),
        metadata: []
    )
}

@Suite("The view of routes")
struct RouteViewTests {
    private func left(_ worker: UUID128) -> WorkerLeft { WorkerLeft(worker: worker, reason: "") }

    private func ids(_ view: RouteView) -> [String] { view.all.map(\.trigger) }

    @Test("has what was registered and not taken back, in the order in which it came")
    func life() {
        var view = RouteView()
        view.apply(record("b"), at: Offset(1))
        view.apply(record("a"), at: Offset(2))
        view.apply(record("slot", type: "cron"), at: Offset(3))
        #expect(ids(view) == ["b", "a"])
        view.apply(TriggerUnregistered(trigger: "b"))
        view.apply(TriggerUnregistered(trigger: "unknown"))
        #expect(ids(view) == ["a"])
        view.apply(record("a", type: "cron"), at: Offset(4))
        #expect(view.count == 0, "another type has the id now")
    }

    @Test("a worker that leaves takes what is its own, and not what another one took over")
    func workers() {
        var view = RouteView()
        view.apply(record("mine"), at: Offset(1))
        view.apply(record("shared"), at: Offset(2))
        view.apply(record("shared", by: two), at: Offset(3))
        view.apply(left(one))
        #expect(ids(view) == ["shared"])
        view.apply(left(one))
        view.apply(left(two))
        #expect(view.count == 0)
    }

    @Test("what leaves once the engine has begun to stop stays, until the engine is started")
    func stop() {
        var view = RouteView()
        view.apply(record("a"), at: Offset(1))
        view.apply(record("b", by: two), at: Offset(2))
        view.applyStop(at: Offset(3))
        view.apply(TriggerUnregistered(trigger: "a"))
        view.apply(left(two))
        #expect(ids(view) == ["a", "b"])
        view.applyRestart()
        #expect(view.count == 0)
        #expect(view.digest() == RouteView().digest())
        view.apply(record("a"), at: Offset(5))
        view.apply(left(one))
        #expect(view.count == 0, "and workers leave by themselves again")
    }

    @Test("the digest tells contents apart")
    func digest() {
        var digests: Set<UInt64> = []
        var view = RouteView()
        digests.insert(view.digest())
        view.apply(record("a"), at: Offset(1))
        digests.insert(view.digest())
        view.apply(record("a", "GET /b"), at: Offset(1))
        digests.insert(view.digest())
        view.apply(record("a", "GET /b", by: two), at: Offset(1))
        digests.insert(view.digest())
        view.applyStop(at: Offset(2))
        digests.insert(view.digest())
        #expect(digests.count == 5)
    }

    // MARK: Snapshots and retention

    private enum Step {
        case registered(TriggerRegistered)
        case unregistered(TriggerUnregistered)
        case left(WorkerLeft)
        case stopping
        case started

        init(_ random: inout SeededEntropy) {
            let worker = UUID128(high: 0, low: random.next() % 5)
            let id = "\(random.next() % 12)"
            switch random.next() % 24 {
            case 0: self = .stopping
            case 1: self = .started
            case 2...4: self = .left(WorkerLeft(worker: worker, reason: ""))
            case 5...9: self = .unregistered(TriggerUnregistered(trigger: id))
            case 10: self = .registered(record(id, by: worker, type: "cron"))
            default: self = .registered(record(id, "PUT /\(id)", by: worker))
            }
        }

        func apply(to view: inout RouteView, at offset: Offset) {
            switch self {
            case .registered(let event): view.apply(event, at: offset)
            case .unregistered(let event): view.apply(event)
            case .left(let event): view.apply(event)
            case .stopping: view.applyStop(at: offset)
            case .started: view.applyRestart()
            }
        }

        /// As all views together say.
        func isNeeded(by view: RouteView, at offset: Offset) -> Bool {
            switch self {
            case .registered(let event): view.needs(event, at: offset)
            case .stopping: view.needsStop(at: offset)
            case .started: true
            case .unregistered, .left: false
            }
        }
    }

    private func copy(_ view: RouteView) throws -> RouteView {
        var bytes: [UInt8] = []
        var writer = SnapshotWriter { piece in
            bytes += piece
            return true
        }
        view.encode(into: &writer)
        _ = writer.finish()
        return try bytes.withUnsafeBytes { memory in
            var reader = ByteReader(memory)
            let read = try RouteView(from: &reader)
            #expect(reader.isAtEnd)
            return read
        }
    }

    @Test("folding what is needed, or a snapshot, makes the same as folding all", arguments: 1...40)
    func property(seed: UInt64) throws {
        var random = SeededEntropy(seed: seed)
        let steps = (0..<300).map { _ in Step(&random) }
        let middle = 100 + Int(random.next() % 100)
        func fold(_ view: inout RouteView, _ range: Range<Int>, _ isKept: (Int) -> Bool) {
            for place in range where isKept(place) {
                steps[place].apply(to: &view, at: Offset(UInt64(place)))
            }
        }
        var view = RouteView()
        fold(&view, 0..<middle) { _ in true }
        var snapshot = try copy(view)
        #expect(snapshot.digest() == view.digest(), "seed \(seed)")
        var needed = RouteView()
        let known = view
        fold(&needed, 0..<middle) { steps[$0].isNeeded(by: known, at: Offset(UInt64($0))) }
        #expect(needed.digest() == view.digest(), "seed \(seed)")
        // And they go on alike.
        fold(&view, middle..<300) { _ in true }
        fold(&snapshot, middle..<300) { _ in true }
        fold(&needed, middle..<300) { _ in true }
        #expect(snapshot.digest() == view.digest(), "seed \(seed)")
        #expect(needed.digest() == view.digest(), "seed \(seed)")
    }
}

@Suite("Routes that are expected back")
struct ExpectedRoutesTests {
    @Test(
        "match as routes do",
        arguments: [
            ("GET", "/users/7", true), ("GET", "/users/me", true), ("GET", "/users", false),
            ("GET", "/users/", false), ("GET", "/users/7/x", false), ("POST", "/users/7", false),
            ("HEAD", "/users/7", false), ("HEAD", "/head", true), ("GET", "/head", false),
            ("GET", "/nowhere", false), ("BREW", "/pot", false),
        ]
    )
    func matches(method: String, path: String, isExpected: Bool) {
        let expected = ExpectedRoutes([
            record("a", "GET users/:id"), record("b", "PUT /users/{id}"),
            record("c", "HEAD /head"), record("d", "BREW /pot"),
        ])
        #expect(expected.contains(method: method, path: path) == isExpected)
    }

    @Test("the same method and path take all of them away, whatever parameters are called")
    func removed() throws {
        var expected = ExpectedRoutes([
            record("a", "GET /users/:id"), record("b", "GET users/{id}", by: two),
            record("c", "PUT /users/:id"),
        ])
        for other in ["/users/me", "/users/:id/posts", "/other"] {
            expected.remove(try trigger(other))
            #expect(expected.contains(method: "GET", path: "/users/me"), "\(other)")
        }
        expected.remove(try trigger("users/:name"))
        #expect(!expected.contains(method: "GET", path: "/users/me"))
        #expect(expected.contains(method: "PUT", path: "/users/me"))
        #expect(!expected.isEmpty)
        expected.remove(try trigger("/users/:id", method: "PUT"))
        #expect(expected.isEmpty)
    }

    @Test("what is no route costs the others nothing")
    func broken() {
        var wild = record("a", "GET /a/*rest")
        #expect(ExpectedRoutes([wild]).isEmpty)
        wild = TriggerRegistered(
            worker: one,
            trigger: "a",
            type: "http",
            function: FunctionName(id: "f"),
            config: Array("{}".utf8),
            metadata: []
        )
        let expected = ExpectedRoutes([wild, record("b", "GET /b")])
        #expect(expected.contains(method: "GET", path: "/b"))
    }
}
