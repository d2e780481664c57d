import CommitLog
import Disk
import Events
import Glibc
import Primitives
import RecordFormat

/// Ten gigabytes of state under an engine that may use one of memory: random keys are read and
/// written for a minute.
enum LargeState {
    private static let bench = "state, 10 GB"
    private static let keys: UInt64 = 10_000_000
    private static let value = "\"\(String(repeating: "v", count: 1022))\""
    private static let load = Load(connections: 8, depth: 8)
    private static let memory = 1 << 30

    static func run(_ settings: Settings, _ row: (Measurement) -> Void) throws(Failure) {
        let scratch = try Scratch(in: settings.scratch)
        do {
            try fill("\(scratch.path)/data")
        } catch {
            throw Failure("a log of \(keys) values: \(error)")
        }
        let limit = MemoryLimit(bytes: memory)
        let engine = try EngineProcess(program: settings.engine, on: scratch, limit: limit)
        let bytes = try engine.child.residentBytes()
        row(
            Measurement(
                bench,
                "iii",
                clients: "0",
                p50: Double(engine.startNanoseconds) / 1000,
                residentBytes: bytes,
                notes: "exec to listening; \(bytes >> 20) MiB resident; "
                    + (limit == nil ? "this machine limits no memory" : "limit 1 GiB")
            )
        )
        for (name, writes) in [("get", 0), ("set", 100), ("half get, half set", 50)] {
            var plan = settings.plan
            plan.operations = .max
            plan.seconds = name.contains("half") ? 60 : 10
            let work = try RandomKeys(
                keys,
                value: value,
                percentWrites: writes,
                load,
                port: engine.worker,
                plan
            )
            let served = try engine.child.serve(work.run)
            let bytes = try engine.child.residentBytes()
            let notes = "\(name); \(bytes >> 20) MiB resident"
            var measurement = Measurement(bench, "iii", clients: load.name, served, notes: notes)
            measurement.residentBytes = bytes
            row(measurement)
        }
    }

    static func key(_ number: UInt64) -> String {
        withUnsafeTemporaryAllocation(byteCount: Number.digits, alignment: 1) { digits in
            Number.write(number, to: digits)
            return String(decoding: digits, as: UTF8.self)
        }
    }

    private static func fill(_ path: String) throws {
        var entropy = SeededEntropy(seed: 1)
        let now = SystemClock().now().wall
        var log = try CommitLog(
            opening: LogClaim(PlainStorage(path: path, waker: try Waker())),
            entropy: &entropy,
            now: now,
            replay: { (_) throws(DecodeError) in }
        )
        let bytes = Array(value.utf8)
        for number in 0..<keys {
            let set = StateSet(
                scope: "bench",
                key: key(number),
                value: bytes,
                function: "state::set"
            )
            let event = Event.state(.set(set))
            _ = try log.append(kind: event.kind.rawValue, time: now, trace: nil, cause: nil) {
                event.encode(into: &$0)
            }
            guard number % 64 == 63 || !log.hasRoom else { continue }
            try log.flush()
            try log.wait(nanoseconds: nil)
            try log.reap()
        }
        try log.close()
    }
}

/// Connections that get and set keys drawn at random.
private final class RandomKeys {
    private let reactor = Reactor()
    private let plan: Plan
    private let keys: UInt64
    private let percentWrites: Int
    private let get: FrameTemplate
    private let set: FrameTemplate
    private var random = SeededEntropy(seed: 2)
    private var meter: Meter
    private var callers: [WorkerLink] = []
    private var fields: [(id: FieldFinder, result: FieldFinder)] = []
    /// When each key on its way was asked for: a key is the number of its request.
    private var starts: [UInt64: UInt64] = [:]
    private let depth: Int

    init(
        _ keys: UInt64,
        value: String,
        percentWrites: Int,
        _ load: Load,
        port: UInt16,
        _ plan: Plan
    ) throws(Failure) {
        self.keys = keys
        self.plan = plan
        self.percentWrites = percentWrites
        depth = load.depth
        meter = Meter(plan)
        let id = "\"invocation_id\":\"10000000-0000-4000-8000-############\""
        let place = "\"scope\":\"bench\",\"key\":\"############\""
        get = FrameTemplate(
            """
            {"type":"invokefunction",\(id),"function_id":"state::get","data":{\(place)}}
            """
        )
        set = FrameTemplate(
            """
            {"type":"invokefunction",\(id),"function_id":"state::set",\
            "data":{\(place),"value":\(value)}}
            """
        )
        for index in 0..<load.connections {
            callers.append(try WorkerLink(port: port, name: "caller-\(index)", on: reactor))
            fields.append((FieldFinder("\"invocation_id\":\""), FieldFinder("\"result\":")))
        }
    }

    func run() throws(Failure) -> Meter {
        meter = Meter(plan)
        for index in callers.indices {
            callers[index].onMessage { [unowned self] (message, now) throws(Failure) in
                try take(message, for: index, now)
            }
            for _ in 0..<depth { ask(index, Monotonic.now()) }
        }
        try reactor.run(within: plan.warmUp + plan.seconds + 30, what: "answer") {
            meter.isOver(at: $0)
        }
        guard meter.perSecond != nil else { throw Failure("no call was answered") }
        return meter
    }

    private func ask(_ index: Int, _ now: UInt64) {
        var key = random.next() % keys
        while starts[key] != nil { key = random.next() % keys }
        starts[key] = now
        let isWrite = random.next() % 100 < UInt64(percentWrites)
        (isWrite ? set : get).send(number: key, on: callers[index].link)
    }

    private func take(
        _ message: UnsafeRawBufferPointer,
        for index: Int,
        _ now: UInt64
    ) throws(Failure) {
        guard let id = fields[index].id.value(36, in: message) else { return }
        guard fields[index].result.find(in: message) != nil,
            let key = Number.read(UnsafeRawBufferPointer(rebasing: id.suffix(Number.digits))),
            let start = starts.removeValue(forKey: key)
        else { throw Failure("not a result: \(String(decoding: message, as: UTF8.self))") }
        meter.complete(start: start, now: now)
        ask(index, now)
    }
}
