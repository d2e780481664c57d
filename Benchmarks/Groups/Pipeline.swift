/// Connections of a protocol that answers in order, each with a number of the same request in
/// flight.
final class Pipeline {
    /// Bytes of the whole answer at the beginning; nil while it is not whole.
    typealias Extent = (UnsafeRawBufferPointer) throws(Failure) -> Int?

    private let reactor: Reactor
    private let plan: Plan
    private let request: String
    private let extent: Extent
    private var meter: Meter
    private var clients: [Client] = []

    /// The requests on their way are a ring: the oldest is answered first.
    private struct Client {
        let link: Link
        var starts: [UInt64]
        var oldest = 0
    }

    init(
        _ request: String,
        _ load: Load,
        port: UInt16,
        on reactor: Reactor,
        _ plan: Plan,
        extent: @escaping Extent
    ) throws(Failure) {
        self.request = request
        self.reactor = reactor
        self.plan = plan
        self.extent = extent
        meter = Meter(plan)
        for index in 0..<load.connections {
            let link = try Link(port: port)
            let starts = [UInt64](repeating: 0, count: load.depth)
            clients.append(Client(link: link, starts: starts))
            link.receive = { [unowned self] (_, now) throws(Failure) in try take(index, now) }
            reactor.add(link)
        }
    }

    func run() throws(Failure) -> Meter {
        meter = Meter(plan)
        for index in clients.indices {
            for slot in clients[index].starts.indices {
                clients[index].starts[slot] = Monotonic.now()
                clients[index].link.output.append(request)
            }
        }
        try reactor.run(within: plan.warmUp + plan.seconds + 5, what: "answer") {
            meter.isOver(at: $0)
        }
        guard meter.perSecond != nil else { throw Failure("no request was answered") }
        return meter
    }

    private func take(_ index: Int, _ now: UInt64) throws(Failure) {
        let link = clients[index].link
        while let extent = try extent(link.input.bytes) {
            link.input.take(extent)
            let slot = clients[index].oldest
            meter.complete(start: clients[index].starts[slot], now: now)
            clients[index].starts[slot] = now
            clients[index].oldest = (slot + 1) % clients[index].starts.count
            link.output.append(request)
        }
    }
}
