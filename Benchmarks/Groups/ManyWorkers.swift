import Glibc

/// Ten thousand workers that have nothing to do, and then one call for each of them.
enum ManyWorkers {
    static let registering = "10,000 workers register"
    static let idle = "memory, 10,000 idle workers"
    private static let calling = "a call to each of 10,000"

    static let clients = "\(count)"
    private static let count = 10_000
    /// Calls in flight.
    private static let depth = 64

    static func run(_ settings: Settings, _ row: (Measurement) -> Void) throws(Failure) {
        try Crowd.raiseLimit(connections: count)
        let engine = try EngineProcess(program: settings.engine, in: settings.scratch)
        let start = Monotonic.now()
        let meeting = try Meeting(count, port: engine.worker)
        let seconds = Double(Monotonic.now() - start) / 1e9
        let bytes = try engine.child.residentBytes()
        var registered = Measurement(
            registering,
            "iii",
            clients: clients,
            p50: seconds * 1e6,
            notes: "from the first connect to the last answer, a function each"
        )
        registered.perSecond = Double(count) / seconds
        row(registered)
        row(
            Measurement(
                idle,
                "iii",
                clients: clients,
                residentBytes: bytes,
                notes: "\(bytes >> 20) MiB resident, \((bytes / count) >> 10) KiB a worker"
            )
        )
        let begin = Monotonic.now()
        let latencies = try meeting.callEach(depth: depth)
        let lasted = Double(Monotonic.now() - begin) / 1e9
        var called = Measurement(
            calling,
            "iii",
            clients: "1x\(depth)",
            p50: latencies.microseconds(at: 0.5),
            notes: "\(try engine.child.residentBytes() >> 20) MiB resident afterwards"
        )
        called.p99 = latencies.microseconds(at: 0.99)
        called.perSecond = Double(count) / lasted
        row(called)
    }
}

/// Workers with a function each, and one that calls them.
private final class Meeting {
    private var crowd: Crowd?
    private let count: Int
    private var registered = 0
    private var starts: [UInt64]
    private var next = 0
    private var answered = 0
    private var latencies = Histogram()
    private var id = FieldFinder("\"invocation_id\":\"")

    /// Returns when the engine has registered all.
    init(_ count: Int, port: UInt16) throws(Failure) {
        self.count = count
        starts = [UInt64](repeating: 0, count: count)
        let crowd = try Crowd { [unowned self] (number, message) throws(Failure) in
            try take(message, for: number)
        }
        self.crowd = crowd
        // The last one calls.
        for _ in 0...count {
            let number = try crowd.add(port: port)
            let function = "{\"type\":\"registerfunction\",\"id\":\"many::\(number)\"}"
            let register = """
                {"type":"invokefunction","invocation_id":"\(Self.id(0xfff, number))",\
                "function_id":"engine::workers::register",\
                "data":{"runtime":"swift","version":"0.25.0","name":"w-\(number)","pid":1}}
                """
            try crowd.write(
                FrameTemplate.frame(function) + FrameTemplate.frame(register),
                to: number
            )
            // What the engine answers is read meanwhile.
            if number % 64 == 0 { try crowd.turn() }
        }
        try crowd.run(within: 120, what: "registration of all") { registered == count + 1 }
    }

    /// Calls every worker once, so many at a time.
    func callEach(depth: Int) throws(Failure) -> Histogram {
        for _ in 0..<depth { try callNext() }
        try crowd?.run(within: 60, what: "answer of all") { answered == count }
        return latencies
    }

    private func callNext() throws(Failure) {
        guard next < count else { return }
        let call = """
            {"type":"invokefunction","invocation_id":"\(Self.id(0xaaa, next))",\
            "function_id":"many::\(next)","data":{}}
            """
        starts[next] = Monotonic.now()
        try crowd?.write(FrameTemplate.frame(call), to: count)
        next += 1
    }

    private func take(_ message: UnsafeRawBufferPointer, for number: Int) throws(Failure) {
        guard let id = id.value(36, in: message).map({ String(decoding: $0, as: UTF8.self) })
        else { return }
        if id.hasPrefix("00000fff") {
            registered += 1
        } else if number == count {
            guard let called = Int(id.suffix(12)) else { throw Failure("an answer to \(id)") }
            latencies.add(Monotonic.now() - starts[called])
            answered += 1
            try callNext()
        } else {
            let answer = """
                {"type":"invocationresult","invocation_id":"\(id)",\
                "function_id":"many::\(number)","result":\(number)}
                """
            try crowd?.write(FrameTemplate.frame(answer), to: number)
        }
    }

    private static func id(_ kind: Int, _ number: Int) -> String {
        let digits = String(number)
        let tail = String(repeating: "0", count: 12 - digits.count) + digits
        return "00000\(String(kind, radix: 16))-0000-4000-8000-\(tail)"
    }
}
