/// Calls from one worker to a function of another, which answers at once.
enum Calls {
    static let bench = "call, worker to worker"

    static func run(_ settings: Settings, _ row: (Measurement) -> Void) throws(Failure) {
        let loads = [Load(connections: 1, depth: 1), Load(connections: 1, depth: 64)]
        for load in loads where settings.wants(load.name) {
            let engine = try EngineProcess(program: settings.engine, in: settings.scratch)
            let reactor = Reactor()
            let calls = try EchoCalls(load, port: engine.worker, on: reactor, settings.plan)
            let served = try engine.child.serve(calls.run)
            row(Measurement(bench, "iii", clients: load.name, served))
        }
    }
}

/// Workers that call a function of another, `bench::echo`, which answers at once.
final class EchoCalls {
    private let answerer: Answerer
    private let load: InvocationLoad

    init(_ load: Load, port: UInt16, on reactor: Reactor, _ plan: Plan) throws(Failure) {
        answerer = try Answerer(
            "bench::echo",
            result: InvocationLoad.data,
            port: port,
            on: reactor
        )
        self.load = try InvocationLoad(
            "\"function_id\":\"bench::echo\",\"data\":\(InvocationLoad.data)",
            load,
            port: port,
            on: reactor,
            plan
        )
    }

    func run() throws(Failure) -> Meter { try load.run() }
}
