/// A queue end to end: enqueued durably, delivered to a worker, acknowledged. The next message of a
/// slot is enqueued when the worker has the one before, so the queue stays short, and a delivery
/// waits for the acknowledgements before it as far as the queue's concurrency says.
enum Deliveries {
    static let bench = "enqueue, deliver, acknowledge"

    static func run(_ settings: Settings, _ row: (Measurement) -> Void) throws(Failure) {
        let loads = [
            Load(connections: 1, depth: 1), Load(connections: 1, depth: 64),
            Load(connections: 16, depth: 64),
        ]
        for load in loads where settings.wants(load.name) {
            let engine = try EngineProcess(
                program: settings.engine,
                in: settings.scratch,
                concurrency: 64
            )
            let flow = try DeliveryFlow(load, port: engine.worker, settings.plan)
            let served = try engine.child.serve(flow.run)
            let notes = "1 worker, concurrency 64"
            row(Measurement(bench, "iii", clients: load.name, served, notes: notes))
        }
    }
}

/// Producers and the one worker that gets what they enqueue.
final class DeliveryFlow {
    private let reactor = Reactor()
    private let plan: Plan
    private var meter: Meter
    private var producers: [Producer] = []
    private var worker: Answerer?
    private var tag = FieldFinder("\"tag\":\"")

    private struct Producer {
        let worker: WorkerLink
        let template: FrameTemplate
        var inFlight: InFlight
        var result = FieldFinder("\"result\":")
    }

    init(_ load: Load, port: UInt16, _ plan: Plan) throws(Failure) {
        self.plan = plan
        meter = Meter(plan)
        let seen: WorkerLink.Message = { [unowned self] (message, now) throws(Failure) in
            try delivered(message, now)
        }
        worker = try Answerer(
            "bench::work",
            result: "null",
            port: port,
            on: reactor,
            seen: seen
        )
        for index in 0..<load.connections {
            let connection = String(10_000_000 + index)
            let text = String(repeating: "x", count: 256 - 41)
            let template = FrameTemplate(
                """
                {"type":"invokefunction","invocation_id":"\(connection)-0000-4000-8000-############",\
                "function_id":"bench::work","data":{"tag":"\(connection)############",\
                "text":"\(text)"},"action":{"type":"enqueue","queue":"bench"}}
                """
            )
            let producer = try WorkerLink(port: port, name: "producer-\(index)", on: reactor)
            producers.append(
                Producer(
                    worker: producer,
                    template: template,
                    inFlight: InFlight(depth: load.depth)
                )
            )
            producer.onMessage { [unowned self] (message, _) throws(Failure) in
                guard producers[index].result.find(in: message) == nil else { return }
                throw Failure("not a receipt: \(String(decoding: message, as: UTF8.self))")
            }
        }
    }

    func run() throws(Failure) -> Meter {
        meter = Meter(plan)
        for index in producers.indices {
            for slot in 0..<producers[index].inFlight.depth {
                enqueue(index, slot, Monotonic.now())
            }
        }
        try reactor.run(within: plan.warmUp + plan.seconds + 5, what: "delivery") {
            meter.isOver(at: $0)
        }
        guard meter.perSecond != nil else { throw Failure("nothing was delivered") }
        return meter
    }

    private func enqueue(_ index: Int, _ slot: Int, _ now: UInt64) {
        let number = producers[index].inFlight.begin(slot: slot, now: now)
        producers[index].template.send(number: number, on: producers[index].worker.link)
    }

    private func delivered(_ message: UnsafeRawBufferPointer, _ now: UInt64) throws(Failure) {
        guard let value = tag.value(8 + Number.digits, in: message),
            let index = Int(String(decoding: value.prefix(8), as: UTF8.self)),
            let number = Number.read(UnsafeRawBufferPointer(rebasing: value.suffix(Number.digits)))
        else { throw Failure("not ours: \(String(decoding: message, as: UTF8.self))") }
        let producer = index - 10_000_000
        let (slot, start) = try producers[producer].inFlight.end(number)
        meter.complete(start: start, now: now)
        enqueue(producer, slot, now)
    }
}
