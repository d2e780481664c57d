/// Durable enqueues: a receipt leaves only when the message is on disk. Nobody serves the function,
/// so the messages stay.
enum Enqueues {
    static let bench = "durable enqueue"
    static let system = "iii"

    static let call = """
        "function_id":"bench::sink","data":\(InvocationLoad.data),\
        "action":{"type":"enqueue","queue":"bench"}
        """

    private static let loads = [
        Load(connections: 1, depth: 1), Load(connections: 1, depth: 16),
        Load(connections: 1, depth: 64), Load(connections: 1, depth: 1024),
        Load(connections: 16, depth: 1), Load(connections: 16, depth: 64),
        Load(connections: 64, depth: 1),
    ]

    static func run(_ settings: Settings, _ row: (Measurement) -> Void) throws(Failure) {
        for load in loads where settings.wants(load.name) {
            let engine = try EngineProcess(program: settings.engine, in: settings.scratch)
            let calls = try InvocationLoad(
                call,
                load,
                port: engine.worker,
                on: Reactor(),
                settings.plan
            )
            let served = try engine.child.serve(calls.run)
            row(Measurement(bench, system, clients: load.name, served))
        }
    }
}
