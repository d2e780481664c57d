/// A persistent publish of 256 bytes to a quorum queue of one node, confirmed.
enum RabbitMQ {
    static let system = "RabbitMQ quorum, confirms"

    static func run(_ settings: Settings, _ row: (Measurement) -> Void) throws(Failure) {
        let start = { () throws(Failure) in try RabbitProcess(in: settings.scratch) }
        Peer.measureServer(system, settings, row, on: start) { (rabbit, load) throws(Failure) in
            let reactor = Reactor()
            // A queue of its own, so that what was measured before is not in the way.
            let queue = "bench-\(load.name)"
            let pipe = try Pipeline(load, port: rabbit.port, on: reactor, settings.plan) {
                (index, link) throws(Failure) in
                let client = try AMQPClient(link, on: reactor)
                if index == 0 { try client.declareQuorumQueue(queue) }
                return client.publishing(to: queue)
            }
            let served = try rabbit.child.serve(pipe.run)
            return Measurement(Enqueues.bench, system, clients: load.name, served)
        }
    }
}
