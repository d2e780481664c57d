/// Requests over HTTP at a fixed rate from a process of its own, this program with ``option``
/// before a port: what this process does meanwhile does not delay them.
struct RequestsApart {
    static let besideFanOut = "HTTP beside a fan-out"
    static let option = "requests"
    static let quiet = "iii, nobody told"
    static let seconds = 5.0
    private static let perSecond = 500
    private static let load = Load(connections: 16, depth: 1)

    private let child: Child
    private let report: String

    init(to port: UInt16, in scratch: String) throws(Failure) {
        report = "\(scratch)/requests.log"
        child = try Child([Child.neighbour("Benchmarks"), Self.option, "\(port)"], log: report)
    }

    /// Waits for the end of it.
    func finish(_ bench: String, _ system: String) throws(Failure) -> Measurement {
        try child.finish(within: Self.seconds + 30)
        let numbers = File.text(report).split(whereSeparator: \.isWhitespace).map { Double($0) }
        guard numbers.count == 3 else { throw Failure("\(File.text(report)) is no report") }
        var row = Measurement(
            bench,
            system,
            clients: Self.load.name,
            p50: numbers[1],
            notes: "\(Self.perSecond) requests a second"
        )
        row.perSecond = numbers[0]
        row.p99 = numbers[2]
        return row
    }

    /// The other process: waits for an answer, asks, and says the rate and how long it took.
    static func run(port: UInt16) throws(Failure) {
        var plan = Plan()
        plan.seconds = seconds - plan.warmUp
        let dialogue = WebServer.request(to: port)
        try WebServer.awaitAnswer(from: port)
        let requests = try PacedRequests(
            dialogue,
            load,
            perSecond: perSecond,
            port: port,
            on: Reactor(),
            plan
        )
        let meter = try requests.run()
        let times = [0.5, 0.99].map { meter.latencies.microseconds(at: $0) ?? 0 }
        say("\(meter.perSecond ?? 0) \(times[0]) \(times[1])")
    }
}
