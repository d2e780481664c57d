/// An insert of 256 bytes into a table with a serial key, one a transaction.
enum Postgres {
    static let system = "PostgreSQL INSERT, commit on"

    static func run(_ settings: Settings, _ row: (Measurement) -> Void) throws(Failure) {
        let start = { () throws(Failure) in try PostgresProcess(in: settings.scratch) }
        Peer.measureServer(system, settings, row, on: start) { (server, load) throws(Failure) in
            let reactor = Reactor()
            let table = "bench_\(load.name)"
            let pipe = try Pipeline(load, port: server.port, on: reactor, settings.plan) {
                (index, link) throws(Failure) in
                let client = try PostgresClient(link, on: reactor)
                if index == 0 {
                    try client.run("create table \(table) (id bigserial primary key, data text)")
                }
                return try client.inserting("insert into \(table) (data) values ($1)")
            }
            let served = try server.child.serve(pipe.run)
            return Measurement(Enqueues.bench, system, clients: load.name, served)
        }
    }
}
