import Glibc

/// What a worker that stops reading costs the others: nothing but the work of filling its buffer,
/// until it is cut off.
enum StalledPeer {
    static let bench = "call beside a flood"
    static let quiet = "iii, no flood"
    static let reading = "iii, to one that reads"
    static let stalled = "iii, to one that stopped"

    static let load = Load(connections: 4, depth: 4)

    static func run(_ settings: Settings, _ row: (Measurement) -> Void) throws(Failure) {
        var plan = settings.plan
        plan.seconds = max(plan.seconds, 3)
        for system in [quiet, reading, stalled] {
            let engine = try EngineProcess(program: settings.engine, in: settings.scratch)
            let reactor = Reactor()
            let calls = try EchoCalls(load, port: engine.worker, on: reactor, plan)
            let flood =
                system == quiet
                ? nil : try Flood(isRead: system == reading, port: engine.worker, on: reactor)
            let served = try engine.child.serve(calls.run)
            let end = try system == stalled ? flood?.awaitCut() : nil
            let sent = flood.map { "\($0.sent >> 20) MiB sent" } ?? ""
            let notes = [sent, end ?? ""].filter { !$0.isEmpty }.joined(separator: "; ")
            row(Measurement(bench, system, clients: load.name, served, notes: notes))
        }
    }
}

/// A caller that sends much to one worker, a void call at a time, each behind the answer to a call
/// of its own; and that worker, which reads, or does not.
private final class Flood {
    private let caller: WorkerLink
    private let sink: WorkerLink
    private let void: FrameTemplate
    private let tick: FrameTemplate
    private var calls: UInt64 = 0
    private let sinkReactor = Reactor()

    private static let payloadBytes = 60_000
    /// Half as much again as a connection may have unsent, so that one that does not read is cut.
    private static let callsMax = 96 << 20 / payloadBytes

    var sent: Int { Int(calls) * Self.payloadBytes }

    init(isRead: Bool, port: UInt16, on reactor: Reactor) throws(Failure) {
        let payload = String(repeating: "x", count: Self.payloadBytes)
        void = FrameTemplate(
            """
            {"type":"invokefunction","function_id":"bench::sink","action":{"type":"void"},\
            "data":"\(payload)"}
            """
        )
        tick = FrameTemplate(
            """
            {"type":"invokefunction","invocation_id":"20000000-0000-4000-8000-############",\
            "function_id":"bench::echo","data":null}
            """
        )
        sink = try WorkerLink(
            port: port,
            name: "sink",
            ["{\"type\":\"registerfunction\",\"id\":\"bench::sink\"}"],
            on: isRead ? reactor : sinkReactor
        )
        caller = try WorkerLink(port: port, name: "flood", on: reactor)
        caller.onMessage { [unowned self] (_, _) throws(Failure) in next() }
        next()
    }

    private func next() {
        guard calls < Self.callsMax else { return }
        calls += 1
        void.send(UnsafeRawBufferPointer(start: nil, count: 0), on: caller.link)
        tick.send(number: calls, on: caller.link)
    }

    /// Reads what is left for the worker that did not read, to the end of its connection.
    ///
    /// - Throws: when the engine has not ended it.
    func awaitCut() throws(Failure) -> String {
        var bytes = 0
        sink.link.receive = { (link, _) throws(Failure) in
            bytes += link.input.bytes.count
            link.input.take(link.input.bytes.count)
        }
        do throws(Failure) {
            try sinkReactor.run(within: 10, what: "end") { _ in false }
        } catch {
            guard "\(error)".hasPrefix("no end") else {
                return "cut off with \(bytes >> 20) MiB on the way"
            }
        }
        throw Failure("the worker that stopped reading still has its connection")
    }
}
