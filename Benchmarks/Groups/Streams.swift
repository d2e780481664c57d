import Glibc

/// One stream, thousands of subscribers, a message every few milliseconds: how late each of them
/// hears of it, whether any misses one, and whether those that stop reading are felt by the others.
/// Beside the usual way to do it: Redis pub/sub behind a fan-out in Python.
enum Streams {
    static let bench = "stream fan-out"
    static let reading = "iii"
    static let stalled = "iii, 1 % stopped reading"
    static let redis = "redis pub/sub, Python websockets"

    private static let perSecond = 100

    static func run(_ settings: Settings, _ row: (Measurement) -> Void) throws(Failure) {
        let count = settings.subscribers
        try Crowd.raiseLimit(connections: count)
        for system in [reading, stalled] {
            let engine = try EngineProcess(program: settings.engine, in: settings.scratch)
            let audience = try Audience(count, port: engine.stream) { number in
                """
                {"type":"join","data":{"subscriptionId":"\(number)","streamName":"bench",\
                "groupId":"g"}}
                """
            }
            let publisher = try WorkerLink(port: engine.worker, name: "talk", on: Reactor())
            if system == stalled { try audience.stopReading(count / 100) }
            try measure(system, audience, publisher.link, engine.child, settings, row) {
                talk.send(number: $0, on: $1)
            }
            withExtendedLifetime(publisher) {}
        }
        do throws(Failure) {
            try measureRedis(count, settings, row)
        } catch {
            say("\(bench), \(redis): not measured: \(error)")
        }
    }

    private static let talk = FrameTemplate(
        """
        {"type":"invokefunction","function_id":"stream::send","action":{"type":"void"},\
        "data":{"stream_name":"bench","group_id":"g","type":"tick",\
        "data":{"n":"############","text":"\(String(repeating: "x", count: 100))"}}}
        """
    )

    private static func measureRedis(
        _ count: Int,
        _ settings: Settings,
        _ row: (Measurement) -> Void
    ) throws(Failure) {
        guard let python = getenv("III_BENCH_PYTHON").map({ String(cString: $0) }) else {
            throw Failure("III_BENCH_PYTHON names no Python with websockets; scripts/bench sets it")
        }
        let server = try RedisProcess(fsync: "everysec", in: settings.scratch)
        let port = try Link.freePort()
        let fanOut = try Child(
            [python, "Benchmarks/Peers/fanout.py", "\(server.port)", "\(port)"],
            log: "\(settings.scratch)/fanout.log"
        )
        try fanOut.awaitPort(port, within: 20)
        let audience = try Audience(count, port: port) { _ in "join" }
        let link = try Link(port: server.port)
        let text = String(repeating: "x", count: 200)
        try measure(redis, audience, link, fanOut, settings, row) { number, link in
            let digits = String(number, radix: 16)
            let padded = String(repeating: "0", count: Number.digits - digits.count) + digits
            let body = "{\"data\":{\"n\":\"\(padded)\",\"text\":\"\(text)\"}}"
            link.output.append(
                "*3\r\n$7\r\nPUBLISH\r\n$5\r\nbench\r\n$\(body.utf8.count)\r\n\(body)\r\n"
            )
        }
    }

    private static func measure(
        _ system: String,
        _ audience: Audience,
        _ link: Link,
        _ server: Child,
        _ settings: Settings,
        _ row: (Measurement) -> Void,
        _ send: (UInt64, Link) -> Void
    ) throws(Failure) {
        let messages = Int(settings.streamSeconds * Double(perSecond))
        let begin = Monotonic.now()
        for number in 0..<messages {
            let due = begin + UInt64(number) * UInt64(1_000_000_000 / perSecond)
            while Monotonic.now() < due { try audience.turn(milliseconds: 1) }
            audience.note(number, sentAt: Monotonic.now())
            send(UInt64(number), link)
            try link.flush()
            try drain(link)
        }
        let isWhole = try audience.awaitAll(messages, within: 60)
        let lasted = Double(Monotonic.now() - begin) / 1e9
        let bytes = try server.residentBytes()
        var measured = Measurement(
            bench,
            system,
            clients: "\(audience.count)",
            p50: audience.latencies.microseconds(at: 0.5),
            residentBytes: bytes,
            notes: "\(perSecond) messages a second for \(Int(settings.streamSeconds)) s; "
                + "\(isWhole ? "none" : "\(audience.missing(messages))") lost; "
                + "\(audience.disorder == 0 ? "in order" : "\(audience.disorder) out of order"); "
                + "\(bytes >> 20) MiB resident"
        )
        measured.p99 = audience.latencies.microseconds(at: 0.99)
        measured.perSecond = Double(audience.received) / lasted
        row(measured)
    }

    /// What the server says to the publisher does not matter.
    private static func drain(_ link: Link) throws(Failure) {
        try link.fill()
        link.input.take(link.input.bytes.count)
    }
}

/// Subscribers, what each of them has heard, and when.
private final class Audience {
    private var crowd: Crowd?
    let count: Int
    private(set) var received = 0
    /// Messages that came before an earlier one, or twice.
    private(set) var disorder = 0
    private(set) var latencies = Histogram()
    private var joined = 0
    private var next: [UInt64]
    private var sentAt: [UInt64] = []
    private var stopped = 0
    private var field = FieldFinder("\"n\":\"")

    /// Returns when all have joined and been told what there is.
    init(_ count: Int, port: UInt16, _ join: (Int) -> String) throws(Failure) {
        self.count = count
        next = [UInt64](repeating: 0, count: count)
        let crowd = try Crowd { [unowned self] (number, message) throws(Failure) in
            take(message, number)
        }
        self.crowd = crowd
        for number in 0..<count {
            let added = try crowd.add(port: port)
            try crowd.write(FrameTemplate.frame(join(number)), to: added)
            if number % 64 == 0 { try crowd.turn() }
        }
        try crowd.run(within: 120, what: "join of all") { joined == count }
    }

    private func take(_ message: UnsafeRawBufferPointer, _ number: Int) {
        guard let digits = field.value(Number.digits, in: message),
            let value = Number.read(digits), Int(value) < sentAt.count
        else {
            joined += 1
            return
        }
        if value != next[number] { disorder += 1 }
        next[number] = value + 1
        received += 1
        latencies.add(Monotonic.now() - sentAt[Int(value)])
    }

    func note(_ number: Int, sentAt time: UInt64) { sentAt.append(time) }

    /// The first of them read nothing from now on.
    func stopReading(_ count: Int) throws(Failure) {
        for number in 0..<count { try crowd?.ignore(number) }
        stopped = count
    }

    func turn(milliseconds: Int32) throws(Failure) { try crowd?.turn(milliseconds: milliseconds) }

    func missing(_ messages: Int) -> Int { messages * (count - stopped) - received }

    /// - Returns: whether everybody that reads has everything.
    func awaitAll(_ messages: Int, within seconds: Double) throws(Failure) -> Bool {
        let deadline = Monotonic.now() + UInt64(seconds * 1e9)
        while missing(messages) > 0, Monotonic.now() < deadline { try turn(milliseconds: 20) }
        return missing(messages) == 0
    }
}
