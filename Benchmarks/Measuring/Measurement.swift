/// A row of the table.
struct Measurement {
    /// What is done.
    var bench: String
    /// Who does it.
    var system: String
    /// How many ask at once: `connections x in flight`, or appenders.
    var clients: String
    var perSecond: Double?
    /// Microseconds from asking to the answer, the middle one.
    var p50: Double?
    var p99: Double?
    /// Microseconds of processor time that the server spent on each.
    var processor: Double?
    /// Memory of the process.
    var residentBytes: Int?
    var notes: String
    /// Whether others than the measured and the measuring used the processors meanwhile.
    var isDisturbed = false

    init(_ bench: String, _ system: String, clients: String, _ meter: Meter, notes: String = "") {
        self.bench = bench
        self.system = system
        self.clients = clients
        self.notes = notes
        perSecond = meter.perSecond
        p50 = meter.latencies.microseconds(at: 0.5)
        p99 = meter.latencies.microseconds(at: 0.99)
    }

    /// A row about a server.
    init(
        _ bench: String,
        _ system: String,
        clients: String,
        _ served: Served,
        notes: String = ""
    ) {
        let all = notes.isEmpty ? served.note : "\(served.note); \(notes)"
        self.init(bench, system, clients: clients, served.meter, notes: all)
        processor = served.processor
    }

    /// A row that is not about a rate.
    init(
        _ bench: String,
        _ system: String,
        clients: String,
        p50: Double? = nil,
        residentBytes: Int? = nil,
        notes: String
    ) {
        self.bench = bench
        self.system = system
        self.clients = clients
        self.p50 = p50
        self.residentBytes = residentBytes
        self.notes = notes
    }

    mutating func add(note: String) { notes += notes.isEmpty ? note : "; \(note)" }
}

extension [Measurement] {
    /// Of rounds of the same, the one with the middle rate: its rate and its times belong together.
    var middle: Measurement? { middle(by: \.perSecond) }

    /// Each row once, with its middle round, in the order of the first.
    var middleRounds: [Measurement] {
        var rounds: [[String]: [Measurement]] = [:]
        var names: [[String]] = []
        for row in self {
            let name = [row.bench, row.system, row.clients]
            if rounds[name] == nil { names.append(name) }
            rounds[name, default: []].append(row)
        }
        return names.compactMap { name in
            rounds[name]?.middle { $0.perSecond ?? $0.p50 ?? $0.residentBytes.map(Double.init) }
        }
    }

    /// The same by another figure: rounds at a fixed rate differ in their times alone.
    func middle(by figure: (Measurement) -> Double?) -> Measurement? {
        isEmpty ? nil : sorted { (figure($0) ?? 0) < (figure($1) ?? 0) }[count / 2]
    }
}

/// How many connections, and how many requests each keeps in flight.
struct Load {
    let connections: Int
    let depth: Int

    var name: String { "\(connections)x\(depth)" }
}
