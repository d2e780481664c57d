/// What an aim is held against.
struct Figure {
    let value: Double
    /// What it is about, for those who read the line.
    var detail = ""
}

/// The rows of a run, by what they are about. For one aim, of which it remembers what it rests on.
final class Rows {
    private let all: [Measurement]
    /// Whether others worked while a row was measured that was asked for.
    private(set) var areDisturbed = false

    init(_ all: [Measurement]) { self.all = all }

    func find(_ bench: String, _ system: String = "iii", clients: String) -> Measurement? {
        let row = all.first {
            $0.bench == bench && $0.system == system && $0.clients == clients
        }
        if row?.isDisturbed == true { areDisturbed = true }
        return row
    }

    var device: Measurement? {
        find(DeviceFloor.bench, DeviceFloor.Way.buffered.rawValue, clients: "1")
    }

    func enqueue(_ clients: String, by system: String = Enqueues.system) -> Measurement? {
        find(Enqueues.bench, system, clients: clients)
    }

    /// Our rate of durable enqueues over that of another.
    func ratio(_ clients: String, to system: String) -> Figure? {
        Self.ratio(
            enqueue(clients)?.perSecond,
            enqueue(clients, by: system)?.perSecond
        )
    }

    /// Our rate of durable enqueues over that of the fastest of those that lose nothing either.
    func ratioToDurablePeers(_ clients: String) -> Figure? {
        var peers: [(system: String, rate: Double)] = []
        var missing: [String] = []
        for system in Self.durablePeers {
            if let rate = enqueue(clients, by: system)?.perSecond {
                peers.append((system, rate))
            } else {
                missing.append(system)
            }
        }
        guard let first = peers.max(by: { $0.rate < $1.rate }),
            let figure = Self.ratio(enqueue(clients)?.perSecond, first.rate)
        else { return nil }
        let without = missing.isEmpty ? "" : "; not measured: \(missing.joined(separator: ", "))"
        return Figure(value: figure.value, detail: first.system + without)
    }

    /// Our rate of requests over HTTP, with a worker in Swift, over that of another server.
    func web(_ clients: String, to system: String) -> Figure? {
        Self.ratio(
            find(Web.bench, Web.swift, clients: clients)?.perSecond,
            find(Web.bench, system, clients: clients)?.perSecond
        )
    }

    /// Our rate at the state over that of another store at its keys.
    func keyValues(_ work: KeyValues.Work, _ clients: String, to system: String) -> Figure? {
        Self.ratio(
            find(work.rawValue, KeyValues.system, clients: clients)?.perSecond,
            find(work.rawValue, system, clients: clients)?.perSecond
        )
    }

    /// The row of a fan-out, whatever the number of subscribers.
    func streams(_ system: String) -> Measurement? {
        all.first { $0.bench == Streams.bench && $0.system == system }
    }

    /// The row of requests beside a fan-out, or beside none.
    func fanOut(isQuiet: Bool) -> Measurement? {
        all.first {
            $0.bench == RequestsApart.besideFanOut && ($0.system == RequestsApart.quiet) == isQuiet
        }
    }

    /// What is left of a rate where tracing is on and a page is open, in percent.
    func watched(_ bench: String) -> Figure? {
        guard let dark = find(bench, Watching.dark, clients: Watching.load.name)?.perSecond,
            let watched = find(bench, Watching.watched, clients: Watching.load.name)?.perSecond
        else { return nil }
        return Figure(value: 100 * watched / dark)
    }

    /// A figure of requests beside a flood of spans over the same beside none.
    func flood(_ figure: (Measurement) -> Double?) -> Figure? {
        func row(_ system: String) -> Measurement? {
            all.first { $0.bench == SpanFlood.bench && $0.system == system }
        }
        return Self.ratio(
            row(SpanFlood.flooded).flatMap(figure),
            row(SpanFlood.quiet).flatMap(figure)
        )
    }

    /// The log's rate of batches over that of the device for that size of write, written in the way
    /// that is the fastest.
    func batches(_ records: Int) -> Figure? {
        let clients = "\(records)"
        let floors = DeviceFloor.Way.allCases.compactMap { way in
            find(LogBatches.device, way.rawValue, clients: clients)?.perSecond
                .map { (way: way.rawValue, rate: $0) }
        }
        guard let floor = floors.max(by: { $0.rate < $1.rate }),
            let log = find(LogBatches.bench, LogFloor.ring, clients: clients)?.perSecond
        else { return nil }
        return Figure(value: 100 * log / floor.rate, detail: floor.way)
    }

    static func ratio(_ above: Double?, _ below: Double?) -> Figure? {
        guard let above, let below, below > 0 else { return nil }
        return Figure(value: above / below)
    }

    private static let durablePeers = [
        Redis.always, NATS.system, RabbitMQ.system, Postgres.system,
    ]
}
