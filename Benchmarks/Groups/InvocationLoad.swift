/// Connections that call something through the engine, each with a number of calls in flight: an
/// answer frees its slot for the next call.
final class InvocationLoad {
    private let reactor: Reactor
    private var callers: [Caller] = []
    private let plan: Plan
    private var meter: Meter

    /// What every call has as `data`: 256 bytes.
    static let data = "{\"text\":\"\(String(repeating: "x", count: 256 - 11))\"}"

    private struct Caller {
        let worker: WorkerLink
        let template: FrameTemplate
        var inFlight: InFlight
        var id = FieldFinder("\"invocation_id\":\"")
        var result = FieldFinder("\"result\":")
    }

    /// - Parameters:
    ///   - target: the members of the message behind its id, with the function.
    ///   - load: how many connections and calls.
    ///   - port: where the engine takes workers.
    ///   - reactor: drives the connections.
    ///   - plan: how long.
    /// - Throws: when the engine cannot be reached, or does not register a caller.
    init(
        _ target: String,
        _ load: Load,
        port: UInt16,
        on reactor: Reactor,
        _ plan: Plan
    ) throws(Failure) {
        self.reactor = reactor
        self.plan = plan
        meter = Meter(plan)
        for index in 0..<load.connections {
            let worker = try WorkerLink(port: port, name: "caller-\(index)", on: reactor)
            let connection = String(10_000_000 + index)
            let template = FrameTemplate(
                """
                {"type":"invokefunction","invocation_id":"\(connection)-0000-4000-8000-############",\
                \(target)}
                """
            )
            let inFlight = InFlight(depth: load.depth)
            callers.append(Caller(worker: worker, template: template, inFlight: inFlight))
        }
    }

    func run() throws(Failure) -> Meter {
        meter = Meter(plan)
        for index in callers.indices {
            callers[index].worker.onMessage { [unowned self] (message, now) throws(Failure) in
                try take(message, for: index, now)
            }
            for slot in 0..<callers[index].inFlight.depth { call(index, slot, Monotonic.now()) }
        }
        try reactor.run(within: plan.warmUp + plan.seconds + 5, what: "answer") {
            meter.isOver(at: $0)
        }
        guard meter.perSecond != nil else { throw Failure("no call was answered") }
        return meter
    }

    private func call(_ index: Int, _ slot: Int, _ now: UInt64) {
        let number = callers[index].inFlight.begin(slot: slot, now: now)
        callers[index].template.send(number: number, on: callers[index].worker.link)
    }

    private func take(
        _ message: UnsafeRawBufferPointer,
        for index: Int,
        _ now: UInt64
    ) throws(Failure) {
        guard let id = callers[index].id.value(36, in: message) else { return }
        guard callers[index].result.find(in: message) != nil,
            let number = Number.read(UnsafeRawBufferPointer(rebasing: id.suffix(Number.digits)))
        else { throw Failure("not a result: \(String(decoding: message, as: UTF8.self))") }
        let (slot, start) = try callers[index].inFlight.end(number)
        meter.complete(start: start, now: now)
        call(index, slot, now)
    }
}
