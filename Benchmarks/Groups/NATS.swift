/// A publish of 256 bytes to a JetStream stream kept in files, acknowledged.
enum NATS {
    static let system = "NATS JetStream, sync always"

    static func run(_ settings: Settings, _ row: (Measurement) -> Void) throws(Failure) {
        Peer.measure(system, settings, row) { (load) throws(Failure) in
            let nats = try NATSProcess(in: settings.scratch)
            let reactor = Reactor()
            let pipe = try Pipeline(load, port: nats.port, on: reactor, settings.plan) {
                (index, link) throws(Failure) in
                let client = try NATSClient(link, on: reactor)
                if index == 0 { try client.makeStream() }
                return client.publishing(as: index)
            }
            let served = try nats.child.serve(pipe.run)
            let notes = nats.durability
            return Measurement(Enqueues.bench, system, clients: load.name, served, notes: notes)
        }
    }
}
