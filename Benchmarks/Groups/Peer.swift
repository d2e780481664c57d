/// What others do at the points at which this engine's durable enqueue is measured.
enum Peer {
    /// One, some and many clients with one request each, then with many requests each.
    static let loads = [
        Load(connections: 1, depth: 1), Load(connections: 16, depth: 1),
        Load(connections: 64, depth: 1), Load(connections: 1, depth: 64),
        Load(connections: 16, depth: 64),
    ]

    /// Measures a peer at each load that is wanted. One that is not installed, does not start or
    /// fails is a row that says so: it is no fault of what is measured here.
    static func measure(
        _ system: String,
        at loads: [Load] = loads,
        _ settings: Settings,
        _ row: (Measurement) -> Void,
        _ point: (Load) throws(Failure) -> Measurement
    ) {
        for load in loads where settings.wants(load.name) {
            do throws(Failure) {
                row(try point(load))
            } catch {
                row(missing(Enqueues.bench, system, load.name, error))
            }
        }
    }

    /// Starts a server and measures it at each load that is wanted.
    static func measureServer<Server>(
        _ system: String,
        _ settings: Settings,
        _ row: (Measurement) -> Void,
        on start: () throws(Failure) -> Server,
        _ point: (Server, Load) throws(Failure) -> Measurement
    ) {
        guard loads.contains(where: { settings.wants($0.name) }) else { return }
        do throws(Failure) {
            let server = try start()
            measure(system, settings, row) { (load) throws(Failure) in try point(server, load) }
        } catch {
            row(missing(Enqueues.bench, system, settings.clients ?? "all", error))
        }
    }

    static func missing(
        _ bench: String,
        _ system: String,
        _ clients: String,
        _ failure: Failure
    ) -> Measurement {
        Measurement(bench, system, clients: clients, notes: "not measured: \(failure)")
    }
}
