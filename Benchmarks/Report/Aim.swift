/// What a run is held against: a figure made of its own rows, and a bound.
struct Aim: Sendable {
    private let name: String
    private let bound: Bound
    private let unit: String
    private let figure: @Sendable (Rows) -> Figure?

    private enum Bound {
        case atLeast(Double)
        case atMost(Double)
    }

    /// One line: name, figure, bound, and whether it is met.
    func line(_ measurements: [Measurement]) -> String {
        let space = String(repeating: " ", count: max(0, 58 - name.count))
        let rows = Rows(measurements)
        guard let figure = figure(rows) else {
            return "\(name)\(space)  not measured"
        }
        let value = figure.value
        let (sign, limit, isMet) =
            switch bound {
            case .atLeast(let limit): ("≥", limit, value >= limit)
            case .atMost(let limit): ("≤", limit, value <= limit)
            }
        let verdict = isMet ? "met" : "missed"
        // A figure of a disturbed run says little, whichever way it came out.
        let details = [figure.detail, rows.areDisturbed ? "disturbed" : ""].filter { !$0.isEmpty }
        let detail = details.isEmpty ? "" : "  (\(details.joined(separator: "; ")))"
        return "\(name)\(space)  \(text(value)) \(unit)  (aim \(sign) \(text(limit)))  \(verdict)"
            + detail
    }

    private func text(_ value: Double) -> String {
        if abs(value) >= 1000 { return Table.grouped(value) }
        // Two figures behind the point where a bound is that close.
        let scale: Double = abs(value) < 10 ? 100 : 10
        let rounded = (value * scale).rounded() / scale
        return rounded == rounded.rounded() ? String(Int(rounded)) : String(rounded)
    }

    static let all =
        ofTheLog + ofVerifying + ofEnqueues + Peer.loads.map { aheadOfPeers($0) } + ofAnIdleEngine
        + ofManyWorkers + ofWeb + ofKeyValues + ofHostileClients + ofWatching + ofStreams

    private static let ofTheLog =
        LogBatches.records.map { records in
            Aim(name: "log batches of \(records) / device", bound: .atLeast(90), unit: "%") {
                $0.batches(records)
            }
        } + [
            Aim(name: "bare log at 64 appenders / device syncs", bound: .atLeast(30), unit: "x") {
                Rows.ratio(
                    $0.find(LogFloor.bench, LogFloor.ring, clients: "64")?.perSecond,
                    $0.device?.perSecond
                )
            }
        ]

    private static let ofVerifying = [
        Aim(name: "iii-log verify --full, as written", bound: .atLeast(1), unit: "GB/s") {
            $0.find(Compressing.verifying, Compressing.plain, clients: "0")?.perSecond
                .map { Figure(value: $0 / 1e9) }
        }
    ]

    private static let ofEnqueues = [
        Aim(name: "durable enqueue, 1 x 1, p50 - device p50", bound: .atMost(100), unit: "µs") {
            guard let ours = $0.enqueue("1x1")?.p50, let device = $0.device?.p50 else { return nil }
            return Figure(value: ours - device)
        },
        Aim(name: "durable enqueue, 1 x 64", bound: .atLeast(80_000), unit: "/s") {
            $0.enqueue("1x64")?.perSecond.map { Figure(value: $0) }
        },
        Aim(name: "durable enqueue, 64 x 1", bound: .atLeast(1.2), unit: "x redis always") {
            $0.ratio("64x1", to: Redis.always)
        },
        Aim(name: "durable enqueue, 64 x 1", bound: .atLeast(10), unit: "x NATS sync always") {
            $0.ratio("64x1", to: NATS.system)
        },
        Aim(name: "durable enqueue, 16 x 64", bound: .atLeast(10), unit: "x NATS sync always") {
            $0.ratio("16x64", to: NATS.system)
        },
        Aim(name: "durable enqueue, 16 x 64", bound: .atLeast(2), unit: "x redis everysec") {
            $0.ratio("16x64", to: Redis.everySecond)
        },
        Aim(name: "durable enqueue, 16 x 64", bound: .atLeast(400_000), unit: "/s") {
            $0.enqueue("16x64")?.perSecond.map { Figure(value: $0) }
        },
        Aim(
            name: "durable enqueue, 64 x 1, processor each",
            bound: .atMost(1.2),
            unit: "x redis everysec"
        ) {
            Rows.ratio(
                $0.enqueue("64x1")?.processor,
                $0.enqueue("64x1", by: Redis.everySecond)?.processor
            )
        },
    ]

    private static func aheadOfPeers(_ load: Load) -> Aim {
        Aim(
            name: "durable enqueue, \(load.connections) x \(load.depth)",
            bound: .atLeast(1),
            unit: "x the fastest durable peer"
        ) {
            $0.ratioToDurablePeers(load.name)
        }
    }

    private static let ofAnIdleEngine = [
        Aim(name: "memory of an idle engine", bound: .atMost(30), unit: "MB") {
            $0.find(IdleEngine.memoryBench, clients: "0")?.residentBytes
                .map { Figure(value: Double($0) / 1e6) }
        },
        Aim(name: "exec to listening, empty log", bound: .atMost(50), unit: "ms") {
            $0.find(IdleEngine.startBench, clients: "0")?.p50.map { Figure(value: $0 / 1000) }
        },
    ]

    private static let ofManyWorkers = [
        Aim(name: "memory with 10,000 idle workers", bound: .atMost(600), unit: "MB") {
            $0.find(ManyWorkers.idle, clients: ManyWorkers.clients)?.residentBytes
                .map { Figure(value: Double($0) / 1e6) }
        },
        Aim(name: "10,000 workers register", bound: .atMost(20), unit: "s") {
            $0.find(ManyWorkers.registering, clients: ManyWorkers.clients)?.p50
                .map { Figure(value: $0 / 1e6) }
        },
        Aim(
            name: "call beside a flood, p99",
            bound: .atMost(1.2),
            unit: "x of one that is read, where its reader stopped"
        ) {
            Rows.ratio(
                $0.find(StalledPeer.bench, StalledPeer.stalled, clients: StalledPeer.load.name)?
                    .p99,
                $0.find(StalledPeer.bench, StalledPeer.reading, clients: StalledPeer.load.name)?
                    .p99
            )
        },
    ]

    private static let ofWeb = [
        Aim(name: "HTTP, Swift worker, 64 x 1", bound: .atLeast(3), unit: "x FastAPI") {
            $0.web("64x1", to: Web.fastAPI)
        },
        Aim(name: "HTTP, Swift worker, 64 x 1", bound: .atLeast(0.4), unit: "x Node http") {
            $0.web("64x1", to: Web.node)
        },
    ]

    private static let ofKeyValues =
        [KeyValues.Work.set, .swap].flatMap { work in
            KeyValues.loads.dropFirst().flatMap { load in
                [KeyValues.redis, KeyValues.etcd].map { peer in
                    Aim(
                        name: "\(work.rawValue), \(load.name)",
                        bound: .atLeast(1),
                        unit: "x \(peer)"
                    ) {
                        $0.keyValues(work, load.name, to: peer)
                    }
                }
            }
        } + [
            Aim(name: "get of the state, 64x1", bound: .atLeast(0.6), unit: "x redis") {
                $0.keyValues(.get, "64x1", to: KeyValues.redis)
            }
        ]

    private static let ofHostileClients = Attack.allCases.map { attack in
        Aim(
            name: "HTTP beside \(attack.name), p99",
            bound: .atMost(2),
            unit: "x of no attack"
        ) {
            let clients = Hostile.load.name
            return Rows.ratio(
                $0.find(Hostile.bench, Hostile.system(attack), clients: clients)?.p99,
                $0.find(Hostile.bench, Hostile.quiet, clients: clients)?.p99
            )
        }
    }

    private static let ofWatching =
        [Enqueues.bench, HTTPTriggers.bench].map { bench in
            Aim(name: "\(bench), traced and watched", bound: .atLeast(90), unit: "% of dark") {
                $0.watched(bench)
            }
        } + [
            Aim(name: "HTTP beside a flood of spans", bound: .atLeast(0.9), unit: "x of none") {
                $0.flood(\.perSecond)
            },
            Aim(name: "the same, p50", bound: .atMost(1.1), unit: "x of none") {
                $0.flood(\.p50)
            },
        ]

    private static let ofStreams = [
        Aim(
            name: "stream where 1 % stopped reading, p99",
            bound: .atMost(1.5),
            unit: "x of where all read"
        ) {
            Rows.ratio($0.streams(Streams.stalled)?.p99, $0.streams(Streams.reading)?.p99)
        },
        Aim(name: "HTTP beside a fan-out, p99", bound: .atMost(3), unit: "x of nobody told") {
            Rows.ratio(
                $0.fanOut(isQuiet: false)?.p99,
                $0.fanOut(isQuiet: true)?.p99
            )
        },
        Aim(
            name: "stream, deliveries a second",
            bound: .atLeast(2),
            unit: "x redis and Python websockets"
        ) {
            Rows.ratio(
                $0.streams(Streams.reading)?.perSecond,
                $0.streams(Streams.redis)?.perSecond
            )
        },
    ]
}
