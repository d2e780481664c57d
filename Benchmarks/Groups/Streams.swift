import Glibc

/// One stream, thousands of subscribers, a message every few milliseconds: how late each of them
/// hears of it, whether any misses one, and whether those that stop reading are felt by the others.
/// Beside the usual way to do it: Redis pub/sub behind a fan-out in Python.
///
/// The rate that was asked for is taken as far as it holds: each system is tried at rates from low
/// to high, and measured at the highest. What bounds this engine is the kernel: with a profiler,
/// three quarters of the event loops' time are write(2), one a socket for all that waits for it.
enum Streams {
    static let bench = "stream fan-out"
    static let reading = "iii"
    static let stalled = "iii, 1 % stopped reading"
    static let redis = "redis pub/sub, Python websockets"

    /// Shares of the rate that was asked for.
    private static let steps = [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1]
    private static let trialSeconds = 5.0
    /// How late the last message of a trial may be with all: what is held back does not grow then.
    private static let lateMax: UInt64 = 1_000_000_000

    static func run(_ settings: Settings, _ row: (Measurement) -> Void) throws(Failure) {
        let count = settings.subscribers
        try Crowd.raiseLimit(connections: count)
        let rate = try measureEngine(reading, settings, row)
        // The same rate for both: only then is one's latency held against the other's.
        _ = try measureEngine(stalled, settings, at: rate, row)
        do throws(Failure) {
            try measureRedis(settings, row)
        } catch {
            row(Peer.missing(bench, redis, "\(count)", error))
        }
    }

    private static func measureEngine(
        _ system: String,
        _ settings: Settings,
        at fixed: Int? = nil,
        _ row: (Measurement) -> Void
    ) throws(Failure) -> Int {
        let count = settings.subscribers
        let engine = try EngineProcess(program: settings.engine, in: settings.scratch)
        let audience = try Audience(count, port: engine.stream) { number in
            """
            {"type":"join","data":{"subscriptionId":"\(number)","streamName":"bench",\
            "groupId":"g"}}
            """
        }
        let publisher = try WorkerLink(port: engine.worker, name: "talk", on: Reactor())
        if system == stalled { try audience.stopReading(count / 100) }
        let talk = Talk(audience, publisher.link) { talking.send(number: $0, on: $1) }
        let rate = if let fixed { fixed } else { try highest(settings.streamRate, talk) }
        try measure(system, talk, rate, engine.child, settings, row)
        if system == reading { try measureOthers(talk, rate / 10, engine, settings, row) }
        withExtendedLifetime(publisher) {}
        return rate
    }

    /// What others on the same event loops feel of a fan-out that leaves the processors time.
    private static func measureOthers(
        _ talk: Talk,
        _ rate: Int,
        _ engine: EngineProcess,
        _ settings: Settings,
        _ row: (Measurement) -> Void
    ) throws(Failure) {
        let worker = try Child(
            [
                "env", "III_URL=ws://127.0.0.1:\(engine.worker)", Child.neighbour("bench-worker"),
                Web.body,
            ],
            log: "\(settings.scratch)/worker.log"
        )
        for isQuiet in [true, false] {
            let asker = try RequestsApart(to: engine.http, in: settings.scratch)
            if !isQuiet {
                _ = try talk.run(perSecond: max(1, rate), seconds: RequestsApart.seconds)
            }
            let system = isQuiet ? RequestsApart.quiet : "iii, \(rate) messages a second"
            row(try asker.finish(RequestsApart.besideFanOut, system))
        }
        withExtendedLifetime(worker) {}
    }

    private static let talking = FrameTemplate(
        """
        {"type":"invokefunction","function_id":"stream::send","action":{"type":"void"},\
        "data":{"stream_name":"bench","group_id":"g","type":"tick",\
        "data":{"n":"############","text":"\(String(repeating: "x", count: 100))"}}}
        """
    )

    private static func measureRedis(
        _ settings: Settings,
        _ row: (Measurement) -> Void
    ) throws(Failure) {
        let python = try Child.python("III_BENCH_PYTHON")
        let server = try RedisProcess(fsync: "everysec", in: settings.scratch)
        let port = try Link.freePort()
        let fanOut = try Child(
            [python, "Benchmarks/Peers/fanout.py", "\(server.port)", "\(port)"],
            log: "\(settings.scratch)/fanout.log"
        )
        try fanOut.awaitPort(port, within: 20)
        let audience = try Audience(settings.subscribers, port: port) { _ in "join" }
        let link = try Link(port: server.port)
        let text = String(repeating: "x", count: 200)
        let talk = Talk(audience, link) { number, link in
            let body =
                "{\"data\":{\"n\":\"\(KeyValues.hexadecimal(number))\",\"text\":\"\(text)\"}}"
            link.output.append(
                "*3\r\n$7\r\nPUBLISH\r\n$5\r\nbench\r\n$\(body.utf8.count)\r\n\(body)\r\n"
            )
        }
        let rate = try highest(settings.streamRate, talk)
        try measure(redis, talk, rate, fanOut, settings, row)
    }

    /// The highest of the rates up to `wanted` that holds, all below it holding as well.
    private static func highest(_ wanted: Int, _ talk: Talk) throws(Failure) -> Int {
        var held = max(1, Int(steps[0] * Double(wanted)))
        for step in steps {
            let rate = max(1, Int(step * Double(wanted)))
            let heard = try talk.run(perSecond: rate, seconds: trialSeconds)
            guard heard.isWhole, heard.late <= lateMax else { break }
            held = rate
        }
        return held
    }

    private static func measure(
        _ system: String,
        _ talk: Talk,
        _ rate: Int,
        _ server: Child,
        _ settings: Settings,
        _ row: (Measurement) -> Void
    ) throws(Failure) {
        let before = Processors()
        let heard = try talk.run(perSecond: rate, seconds: settings.streamSeconds)
        let bytes = try server.residentBytes()
        let audience = talk.audience
        let latencies = audience.latencies
        let idle = Int(100 * Processors().idleShare(since: before))
        let notes = [
            "\(rate) messages a second for \(Int(settings.streamSeconds)) s",
            rate < settings.streamRate ? "the most that holds" : "",
            heard.isWhole ? "none lost" : "\(audience.missing) lost",
            audience.disorder == 0 ? "in order" : "\(audience.disorder) out of order",
            "all \(heard.late / 1_000_000) ms behind the last", "processors \(idle) % idle",
            "\(bytes >> 20) MiB resident",
        ]
        var measured = Measurement(
            bench,
            system,
            clients: "\(audience.count)",
            p50: latencies.microseconds(at: 0.5),
            residentBytes: bytes,
            notes: notes.filter { !$0.isEmpty }.joined(separator: "; ")
        )
        measured.p99 = latencies.microseconds(at: 0.99)
        measured.perSecond = Double(audience.received) / heard.seconds
        row(measured)
    }
}

/// What an audience heard of a run.
private struct Heard {
    let isWhole: Bool
    /// Nanoseconds from when the last message was sent to when everybody had it.
    let late: UInt64
    let seconds: Double
}

/// One who sends to an audience, at a rate.
private struct Talk {
    let audience: Audience
    private let link: Link
    private let send: (UInt64, Link) -> Void

    init(_ audience: Audience, _ link: Link, _ send: @escaping (UInt64, Link) -> Void) {
        self.audience = audience
        self.link = link
        self.send = send
    }

    /// Sends for `seconds`, and waits until everybody has everything, for a minute at most.
    func run(perSecond rate: Int, seconds: Double) throws(Failure) -> Heard {
        audience.begin()
        let begin = Monotonic.now()
        for number in 0..<Int((seconds * Double(rate)).rounded(.up)) {
            let due = begin + UInt64(number) * UInt64(1_000_000_000 / rate)
            while Monotonic.now() < due { try audience.turn(milliseconds: 1) }
            send(audience.note(sentAt: Monotonic.now()), link)
            try link.flush()
            // What the server says to the publisher does not matter.
            try link.fill()
            link.input.take(link.input.bytes.count)
        }
        let sent = Monotonic.now()
        try audience.awaitAll(within: 60)
        let end = Monotonic.now()
        return Heard(
            isWhole: audience.missing == 0 && audience.disorder == 0,
            late: end - sent,
            seconds: Double(end - begin) / 1e9
        )
    }
}

/// Subscribers, what each of them has heard, and when.
private final class Audience {
    private var crowd: Crowd?
    let count: Int
    // Of this run.
    private(set) var received = 0
    /// Messages that came before an earlier one, or twice.
    private(set) var disorder = 0
    private(set) var latencies = Histogram()
    /// The number of its first message.
    private var first = 0

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

    /// Begins a run: what is lost of earlier ones counts no more.
    func begin() {
        first = sentAt.count
        received = 0
        disorder = 0
        latencies = Histogram()
        for number in next.indices { next[number] = UInt64(first) }
    }

    private func take(_ message: UnsafeRawBufferPointer, _ number: Int) {
        guard let digits = field.value(Number.digits, in: message),
            let value = Number.read(digits), Int(value) < sentAt.count
        else {
            joined += 1
            return
        }
        guard value >= first else { return }
        if value != next[number] { disorder += 1 }
        next[number] = value + 1
        received += 1
        latencies.add((crowd?.now ?? 0) - sentAt[Int(value)])
    }

    /// - Returns: the number of the message that is sent now.
    func note(sentAt time: UInt64) -> UInt64 {
        sentAt.append(time)
        return UInt64(sentAt.count - 1)
    }

    /// The first of them read nothing from now on.
    func stopReading(_ count: Int) throws(Failure) {
        for number in 0..<count { try crowd?.ignore(number) }
        stopped = count
    }

    func turn(milliseconds: Int32) throws(Failure) { try crowd?.turn(milliseconds: milliseconds) }

    /// Messages of this run that those who read have not.
    var missing: Int { (sentAt.count - first) * (count - stopped) - received }

    /// Returns when everybody that reads has everything, or the time is over.
    func awaitAll(within seconds: Double) throws(Failure) {
        let deadline = Monotonic.now() + UInt64(seconds * 1e9)
        while missing > 0, Monotonic.now() < deadline { try turn(milliseconds: 20) }
    }
}
