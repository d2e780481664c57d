/// Connections of a protocol that answers in order, each with a number of the same request in
/// flight.
final class Pipeline {
    /// Bytes of the whole answer at the beginning; nil while it is not whole.
    typealias Extent = (UnsafeRawBufferPointer) throws(Failure) -> Int?
    /// Makes a connection ready for requests.
    typealias Open = (_ index: Int, Link) throws(Failure) -> Dialogue

    private let reactor: Reactor
    private let plan: Plan
    private var meter: Meter
    private var clients: [Client] = []

    /// The requests on their way are a ring: the oldest is answered first.
    private struct Client {
        let link: Link
        let dialogue: Dialogue
        var starts: [UInt64]
        var oldest = 0
    }

    init(
        _ load: Load,
        port: UInt16,
        on reactor: Reactor,
        _ plan: Plan,
        open: Open
    ) throws(Failure) {
        self.reactor = reactor
        self.plan = plan
        meter = Meter(plan)
        for index in 0..<load.connections {
            let link = try Link(port: port)
            try reactor.add(link)
            let dialogue = try open(index, link)
            let starts = [UInt64](repeating: 0, count: load.depth)
            clients.append(Client(link: link, dialogue: dialogue, starts: starts))
            link.receive = { [unowned self] (_, now) throws(Failure) in try take(index, now) }
        }
    }

    /// A protocol that needs no handshake.
    convenience init(
        _ request: String,
        _ load: Load,
        port: UInt16,
        on reactor: Reactor,
        _ plan: Plan,
        extent: @escaping Extent
    ) throws(Failure) {
        let take: Dialogue.Take = { (bytes) throws(Failure) in
            guard let extent = try extent(bytes) else { return nil }
            return Answer(extent: extent)
        }
        let dialogue = Dialogue(request: Array(request.utf8), take: take)
        try self.init(load, port: port, on: reactor, plan) { (_, _) in dialogue }
    }

    func run() throws(Failure) -> Meter {
        meter = Meter(plan)
        for index in clients.indices {
            for slot in clients[index].starts.indices {
                clients[index].starts[slot] = Monotonic.now()
                clients[index].link.output.append(clients[index].dialogue.request)
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
        let dialogue = clients[index].dialogue
        while let answer = try dialogue.take(link.input.bytes) {
            link.input.take(answer.extent)
            for _ in 0..<answer.requests {
                let slot = clients[index].oldest
                meter.complete(start: clients[index].starts[slot], now: now)
                clients[index].starts[slot] = now
                clients[index].oldest = (slot + 1) % clients[index].starts.count
                link.output.append(dialogue.request)
            }
        }
    }
}
