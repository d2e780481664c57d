import Glibc

/// What an engine costs that does nothing: time until it listens, and memory.
enum IdleEngine {
    static let startBench = "start, empty log"
    static let memoryBench = "memory, idle engine"

    private static let starts = 5

    static func run(_ settings: Settings, _ row: (Measurement) -> Void) throws(Failure) {
        var times: [Double] = []
        for _ in 1..<starts {
            let engine = try EngineProcess(program: settings.engine, in: settings.scratch)
            times.append(Double(engine.startNanoseconds) / 1000)
        }
        let engine = try EngineProcess(program: settings.engine, in: settings.scratch)
        times.append(Double(engine.startNanoseconds) / 1000)
        sleep(1)
        let bytes = try engine.child.residentBytes()
        let middle = times.sorted()[starts / 2]
        let notes = "exec to listening, of \(starts) starts"
        row(Measurement(startBench, "iii", clients: "0", p50: middle, notes: notes))
        row(
            Measurement(
                memoryBench,
                "iii",
                clients: "0",
                residentBytes: bytes,
                notes: "\(bytes >> 10) KiB resident after 1 s"
            )
        )
    }
}
