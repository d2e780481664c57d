import CommitLog
import Events
import LogTools
import Primitives
import RecordFormat
import Testing

@testable import Engine

/// Which record a call's own is below, where its worker runs several functions of one trace.
@Suite("Where calls come from")
struct OriginTests {
    private let lab: Lab
    private let caller: Peer

    init() throws {
        lab = try Lab()
        caller = try lab.join("c")
    }

    private func records() throws -> [LogRecord] {
        var records: [LogRecord] = []
        var reader = LogReader(SimulatedStorage(lab.disk))
        _ = try reader.read { records.append(LogRecord($0)) }
        return records
    }

    /// The record of the last write of a key.
    private func write(of key: String) throws -> LogRecord {
        let write = try records().last { record in
            guard case .state(.set(let set))? = record.event else { return false }
            return set.key == key
        }
        return try #require(write)
    }

    /// Where a run of a function began.
    private func start(of run: Effect.Dispatch) throws -> Offset {
        let start = try records().last { record in
            switch record.event {
            case .invoked(let invoked): invoked.invocation == run.invocation
            case .queue(.delivered(let delivered)): delivered.invocation == run.invocation
            default: false
            }
        }
        return try #require(start).offset
    }

    private static func value(_ key: String) -> String {
        #"{"scope":"s","key":"\#(key)","value":1}"#
    }

    private static func named(_ run: Effect.Dispatch) -> CallContext {
        CallContext(function: run.function, invocation: run.invocation.description)
    }

    private static func propagation(
        _ run: Effect.Dispatch,
        naming function: String? = nil
    ) -> Propagation {
        Propagation(
            traceparent: run.traceparent.description,
            baggage: function.map { "k=v,iii.function.id=\($0)" }
        )
    }

    /// `outer` has put `inner` into a queue, and the same worker runs both, of one trace.
    private func runBoth(
        _ worker: Peer
    ) throws -> (outer: Effect.Dispatch, inner: Effect.Dispatch) {
        let outer = try #require(try lab.settle(.call(caller, "outer")).dispatches.first)
        let inner = try #require(try lab.settle(.enqueue(worker, "inner")).dispatches.first)
        try #require(inner.traceparent.trace == outer.traceparent.trace)
        return (outer, inner)
    }

    @Test("the invocation that a call names is its cause, with a trace context and without")
    func named() throws {
        let worker = try lab.joinObserving("w", serving: "outer", "inner")
        let (outer, inner) = try runBoth(worker)
        let set = "state::set"
        try lab.settle(.call(worker, set, Self.value("a"), context: Self.named(outer)))
        #expect(try write(of: "a").cause == start(of: outer))
        try lab.settle(.call(worker, set, Self.value("b"), context: Self.named(inner)))
        #expect(try write(of: "b").cause == start(of: inner))
        let traced = Command.call(
            worker,
            set,
            Self.value("d"),
            with: Self.propagation(inner, naming: "inner"),
            context: Self.named(outer)
        )
        try lab.settle(traced)
        #expect(try write(of: "d").cause == start(of: outer))
        #expect(try write(of: "d").trace == outer.traceparent.trace)
    }

    @Test("an invocation that another worker runs, or that is over, is nobody's cause")
    func lies() throws {
        let worker = try lab.joinObserving("w", serving: "outer", "inner")
        let liar = try lab.joinObserving("liar", serving: "own")
        let (outer, inner) = try runBoth(worker)
        let own = try #require(try lab.settle(.call(caller, "own")).dispatches.first)
        let set = "state::set"
        try lab.settle(.call(liar, set, Self.value("a"), context: Self.named(outer)))
        #expect(try write(of: "a").cause == nil)
        #expect(try write(of: "a").trace != outer.traceparent.trace)
        try lab.settle(.answer(liar, own.invocation))
        try lab.settle(.answer(worker, outer.invocation))
        let late = Command.call(
            worker,
            set,
            Self.value("b"),
            with: Self.propagation(outer),
            context: Self.named(outer)
        )
        try lab.settle(late)
        #expect(try write(of: "b").cause == nil, "and not what the worker still runs there")
        #expect(try write(of: "b").trace == inner.traceparent.trace)
    }

    @Test("of several that nothing tells apart none is the cause; the baggage may tell")
    func several() throws {
        let worker = try lab.join("w", serving: "outer", "inner")
        let (outer, inner) = try runBoth(worker)
        func write(_ key: String, _ propagation: Propagation) throws -> LogRecord {
            try lab.settle(.call(worker, "state::set", Self.value(key), with: propagation))
            return try self.write(of: key)
        }
        let plain = try write("a", Propagation())
        #expect(plain.cause == nil)
        #expect(plain.trace == outer.traceparent.trace)
        #expect(try write("b", Self.propagation(inner)).cause == nil)
        let ofOuter = Self.propagation(outer, naming: "outer")
        #expect(try write("d", ofOuter).cause == start(of: outer))
        let ofInner = Self.propagation(outer, naming: "inner")
        #expect(try write("e", ofInner).cause == start(of: inner))
        try lab.settle(.answer(worker, inner.invocation))
        #expect(try write("f", Propagation()).cause == start(of: outer))
    }

    @Test("one that waits for the result of another is not where a call comes from")
    func waiting() throws {
        let worker = try lab.join("w", serving: "outer", "inner")
        let outer = try #require(try lab.settle(.call(caller, "outer")).dispatches.first)
        let inner = try #require(try lab.settle(.call(worker, "inner")).dispatches.first)
        #expect(inner.traceparent == outer.traceparent, "inferred: what its worker was handed")
        try lab.settle(.call(worker, "state::set", Self.value("a")))
        #expect(try write(of: "a").cause == start(of: inner))
    }

    // MARK: What a trace says of itself

    private static let unsampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"

    @Test("a trace that is not kept is handed on as such: to requests, deliveries and what asks")
    func flags() throws {
        let worker = try lab.join("w", serving: "f", "ask")
        let unsampled = Propagation(traceparent: Self.unsampled)
        let route = #"{"api_path":"f","http_method":"GET","condition_function_id":"ask"}"#
        try lab.settle(.trigger(worker, "http", route, to: "f"))
        let asked = try #require(try lab.settle(.get("/f", with: unsampled)).dispatches.first)
        try #require(asked.function == "ask")
        #expect(asked.traceparent.flags == 0)
        let answered = try lab.settle(.answer(worker, asked.invocation, "true"))
        let run = try #require(answered.dispatches.first)
        #expect(run.traceparent.flags == 0)
        // Inferred: its trace is that of the request.
        let inferred = try lab.settle(.enqueue(worker, "f"))
        #expect(inferred.dispatches.map(\.traceparent.flags) == [0])
        let told = Command.call(caller, "f", as: .enqueue(queue: "default"), with: unsampled)
        #expect(try lab.settle(told).dispatches.map(\.traceparent.flags) == [0])
        let plain = try lab.settle(.enqueue(caller, "f"))
        #expect(plain.dispatches.map(\.traceparent.flags) == [1])
    }

    @Test("a message says which span of somebody else's it was sent from")
    func sender() throws {
        let unsampled = Propagation(traceparent: Self.unsampled)
        try lab.settle(.call(caller, "f", as: .enqueue(queue: "default"), with: unsampled))
        let topic = #"{"topic":"t","data":1}"#
        try lab.settle(.call(caller, "iii::durable::publish", topic, with: unsampled))
        let parents = try lab.recordedEvents().compactMap { event -> RemoteSpan? in
            guard case .queue(.enqueued(let enqueued)) = event else { return nil }
            return enqueued.parent
        }
        let sender = RemoteSpan(span: 0x00F0_67AA_0BA9_02B7, flags: 0)
        #expect(parents == [sender, sender])
    }

    @Test("a record names the span that a handler calls from, but not the one that it was handed")
    func ownSpan() throws {
        let worker = try lab.join("w", serving: "outer", "inner")
        let outer = try #require(try lab.settle(.call(caller, "outer")).dispatches.first)
        let own = TraceParent(trace: outer.traceparent.trace, span: 7, flags: 1)
        let propagation = Propagation(traceparent: own.description)
        let queue = Call.Action.enqueue(queue: "default")
        try lab.settle(.call(worker, "mail", as: queue, with: propagation))
        let topic = #"{"topic":"t","data":1}"#
        try lab.settle(.call(worker, "iii::durable::publish", topic, with: propagation))
        try lab.settle(.call(worker, "mail", as: queue, with: Self.propagation(outer)))
        let left = try lab.settle(.call(worker, "inner", with: propagation))
        let inner = try #require(left.dispatches.first)
        #expect(inner.traceparent == own)
        // Of a worker that has no spans of its own, who follows the log knows it from `inner`.
        try lab.settle(.call(worker, "mail", as: queue, with: Self.propagation(inner)))
        let spans = try lab.recordedEvents().compactMap { event -> UInt64? in
            switch event {
            case .queue(.enqueued(let enqueued)): enqueued.parent?.span ?? 0
            case .invoked(let invoked) where invoked.function.id == "inner": invoked.parent
            default: nil
            }
        }
        #expect(spans == [7, 7, 0, 7, 0])
    }
}
