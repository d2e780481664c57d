import Glibc

/// What it costs to be watched: the same load where nothing is traced and no dashboard is served,
/// and where spans are kept and a page of the dashboard is open, in turns.
enum Watching {
    static let dark = "iii, neither traced nor watched"
    static let watched = "iii, traced, a page open"
    static let load = Load(connections: 64, depth: 1)
    /// The middle one counts.
    private static let rounds = 3

    static func run(_ settings: Settings, _ row: (Measurement) -> Void) throws(Failure) {
        guard settings.wants(load.name) else { return }
        try inTurns(Enqueues.bench, settings, row) { (engine, reactor) throws(Failure) in
            let calls = try InvocationLoad(
                Enqueues.call,
                load,
                port: engine.worker,
                on: reactor,
                settings.plan
            )
            return calls.run
        }
        try inTurns(HTTPTriggers.bench, settings, row) { (engine, reactor) throws(Failure) in
            let answerer = try HTTPTriggers.answerer(engine, on: reactor)
            let dialogue = HTTPTriggers.request(to: engine.http)
            let pipe = try Pipeline(load, port: engine.http, on: reactor, settings.plan) { (_, _) in
                dialogue
            }
            return { () throws(Failure) in
                defer { withExtendedLifetime(answerer) {} }
                return try pipe.run()
            }
        }
        try SpanFlood.run(settings, row)
    }

    private typealias Run = () throws(Failure) -> Meter

    private static func inTurns(
        _ bench: String,
        _ settings: Settings,
        _ row: (Measurement) -> Void,
        _ prepare: (EngineProcess, Reactor) throws(Failure) -> Run
    ) throws(Failure) {
        var rows: [EngineProcess.Watched: [Measurement]] = [:]
        for _ in 0..<rounds {
            for kind in [EngineProcess.Watched.inTheDark, .onDashboard] {
                let engine = try EngineProcess(
                    program: settings.engine,
                    in: settings.scratch,
                    watched: kind
                )
                let reactor = Reactor()
                let run = try prepare(engine, reactor)
                let page = try engine.dashboard.map { (port) throws(Failure) in
                    try DashboardPage(port: port, on: reactor)
                }
                let served = try engine.child.serve(run)
                let notes = page.map { "\($0.frames) frames for the page" } ?? ""
                rows[kind, default: []].append(
                    Measurement(
                        bench,
                        kind == .inTheDark ? dark : watched,
                        clients: load.name,
                        served,
                        notes: notes
                    )
                )
            }
        }
        for kind in [EngineProcess.Watched.inTheDark, .onDashboard] {
            guard var middle = rows[kind]?.middle else { continue }
            middle.add(note: "the middle of \(rounds) rounds in turns")
            row(middle)
        }
    }
}

/// The WebSocket of an open page: reads what the engine tells of itself.
final class DashboardPage {
    private let link: Link
    private(set) var frames = 0

    init(port: UInt16, on reactor: Reactor) throws(Failure) {
        link = try Link(port: port)
        try reactor.add(link)
        let request = WorkerLink.upgradeRequest(host: link.peer, path: "/api/live")
        let response: String = try reactor.exchange(Array(request.utf8), on: link, what: "upgrade")
        {
            (bytes) throws(Failure) in
            guard let end = WorkerLink.headEnd(bytes) else { return .notWhole }
            return .done(String(decoding: bytes[..<end], as: UTF8.self), end)
        }
        guard response.hasPrefix("HTTP/1.1 101") else {
            throw Failure("the dashboard refused the upgrade: \(response)")
        }
        link.receive = { [unowned self] (link, _) throws(Failure) in
            while let frame = try ServerFrame(link.input.bytes) {
                frames += 1
                link.input.take(frame.extent)
            }
        }
    }
}
