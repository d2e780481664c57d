/// What well-behaved clients feel of bad ones: requests at a fixed rate, far below what the engine
/// can do, alone and beside attacks from a process of its own. One measure for all, because what an
/// attacker costs on the same two processors is not the engine's doing. All take turns, and of each
/// the round with the middle p99 counts.
enum Hostile {
    static let bench = "HTTP beside attacks"
    static let quiet = "iii, no attack"
    static let load = Load(connections: 16, depth: 1)
    private static let perSecond = 1000
    private static let rounds = 3

    static func run(_ settings: Settings, _ row: (Measurement) -> Void) throws(Failure) {
        guard settings.wants(load.name) else { return }
        try Crowd.raiseLimit(connections: Attack.halfOpen + 1000)
        let attacks = [nil] + Attack.allCases
        var measured = [[Measurement]](repeating: [], count: attacks.count)
        for _ in 0..<rounds {
            for (index, attack) in attacks.enumerated() {
                measured[index].append(try measure(attack, settings))
            }
        }
        for case let middle? in measured.map({ $0.middle(by: \.p99) }) { row(middle) }
    }

    static func system(_ attack: Attack?) -> String { attack.map { "iii, \($0.name)" } ?? quiet }

    private static func measure(
        _ attack: Attack?,
        _ settings: Settings
    ) throws(Failure) -> Measurement {
        let engine = try EngineProcess(program: settings.engine, in: settings.scratch)
        let reactor = Reactor()
        let answerer = try HTTPTriggers.answerer(engine, on: reactor)
        // Clients that were there before: their connections do not wait behind the attacker's.
        var plan = settings.plan
        plan.seconds = max(plan.seconds, 5)
        let requests = try PacedRequests(
            HTTPTriggers.request(to: engine.http),
            load,
            perSecond: perSecond,
            port: engine.http,
            on: reactor,
            plan
        )
        let report = "\(settings.scratch)/attack.log"
        let attacker = try attack.map { (attack) throws(Failure) in
            try Child(
                [Child.neighbour("Benchmarks"), Attack.option, attack.rawValue, "\(engine.http)"],
                log: report
            )
        }
        try attacker?.awaitLine(Attack.ready, in: report, within: 60)
        let before = try engine.child.residentBytes()
        let served = try engine.child.serve(requests.run)
        let after = try engine.child.residentBytes()
        try attacker?.check()
        let seen = File.text(report).split(separator: "\n").last.map { String($0) } ?? ""
        withExtendedLifetime(answerer) {}
        let notes = [
            "\(perSecond) requests a second", attack == nil ? "" : seen,
            "\(max(before, after) >> 20) MiB resident",
        ].filter { !$0.isEmpty }.joined(separator: "; ")
        return Measurement(bench, system(attack), clients: load.name, served, notes: notes)
    }
}

/// Requests that are due at fixed times, each on a connection that waits for none. One that finds
/// no such connection counts from when it was due.
final class PacedRequests {
    private let reactor: Reactor
    private let plan: Plan
    private let interval: UInt64
    private var meter: Meter
    private var links: [Link] = []
    private let dialogue: Dialogue
    private var starts: [UInt64]
    private var idle: [Int]
    private var due: UInt64 = 0

    init(
        _ dialogue: Dialogue,
        _ load: Load,
        perSecond: Int,
        port: UInt16,
        on reactor: Reactor,
        _ plan: Plan
    ) throws(Failure) {
        self.reactor = reactor
        self.plan = plan
        self.dialogue = dialogue
        interval = UInt64(1_000_000_000 / perSecond)
        meter = Meter(plan)
        starts = [UInt64](repeating: 0, count: load.connections)
        idle = Array(0..<load.connections)
        for index in 0..<load.connections {
            let link = try Link(port: port)
            try reactor.add(link)
            links.append(link)
            link.receive = { [unowned self] (_, now) throws(Failure) in try take(index, now) }
        }
    }

    func run() throws(Failure) -> Meter {
        let begin = Monotonic.now()
        meter = Meter(plan, now: begin)
        due = begin
        try reactor.run(within: plan.warmUp + plan.seconds + 5, what: "answer", tick: 1) { now in
            ask(now)
            return meter.isOver(at: now)
        }
        guard meter.perSecond != nil else { throw Failure("no request was answered") }
        return meter
    }

    private func ask(_ now: UInt64) {
        while due <= now, let index = idle.popLast() {
            // The clock of this program is coarser than the interval: that is no delay of anybody.
            starts[index] = now - due > 3 * interval ? due : now
            links[index].output.append(dialogue.request)
            due += interval
        }
    }

    private func take(_ index: Int, _ now: UInt64) throws(Failure) {
        while let answer = try dialogue.take(links[index].input.bytes) {
            links[index].input.take(answer.extent)
            meter.complete(start: starts[index], now: now)
            idle.append(index)
        }
    }
}
