/// What a run is held against: a figure made of its own rows, and a bound.
struct Aim: Sendable {
    private let name: String
    private let bound: Bound
    private let unit: String
    private let figure: @Sendable (Rows) -> Double?

    private enum Bound {
        case atLeast(Double)
        case atMost(Double)
    }

    /// One line: name, figure, bound, and whether it is met.
    func line(_ measurements: [Measurement]) -> String {
        let space = String(repeating: " ", count: max(0, 58 - name.count))
        guard let value = figure(Rows(measurements)) else {
            return "\(name)\(space)  not measured"
        }
        let (sign, limit, isMet) =
            switch bound {
            case .atLeast(let limit): ("≥", limit, value >= limit)
            case .atMost(let limit): ("≤", limit, value <= limit)
            }
        let verdict = isMet ? "met" : "missed"
        return "\(name)\(space)  \(text(value)) \(unit)  (aim \(sign) \(text(limit)))  \(verdict)"
    }

    private func text(_ value: Double) -> String {
        if abs(value) >= 100 { return Table.grouped(value) }
        let tenths = (value * 10).rounded() / 10
        return tenths == tenths.rounded() ? String(Int(tenths)) : String(tenths)
    }

    /// The rows of a run, by what they are about.
    private struct Rows {
        private let all: [Measurement]

        init(_ all: [Measurement]) { self.all = all }

        func find(_ bench: String, _ system: String = "iii", clients: String) -> Measurement? {
            all.first { $0.bench == bench && $0.system == system && $0.clients == clients }
        }

        var device: Measurement? { find(DeviceFloor.bench, DeviceFloor.buffered, clients: "1") }

        func enqueue(_ clients: String) -> Measurement? { find(Enqueues.bench, clients: clients) }
    }

    private static func ratio(_ above: Double?, _ below: Double?) -> Double? {
        guard let above, let below, below > 0 else { return nil }
        return above / below
    }

    static let all = [
        Aim(name: "bare log at 64 appenders / device syncs", bound: .atLeast(30), unit: "x") {
            ratio(
                $0.find(LogFloor.bench, LogFloor.ring, clients: "64")?.perSecond,
                $0.device?.perSecond
            )
        },
        Aim(name: "durable enqueue, 1 connection x 64", bound: .atLeast(80_000), unit: "/s") {
            $0.enqueue("1x64")?.perSecond
        },
        Aim(name: "durable enqueue, 64 connections x 1", bound: .atLeast(1), unit: "x redis always")
        {
            ratio(
                $0.enqueue("64x1")?.perSecond,
                $0.find(Enqueues.bench, Redis.always, clients: "64x1")?.perSecond
            )
        },
        Aim(name: "durable enqueue, 16 connections x 64", bound: .atLeast(400_000), unit: "/s") {
            $0.enqueue("16x64")?.perSecond
        },
        Aim(name: "durable enqueue, 1 x 1, p50 - device p50", bound: .atMost(150), unit: "µs") {
            guard let ours = $0.enqueue("1x1")?.p50, let device = $0.device?.p50 else { return nil }
            return ours - device
        },
        Aim(name: "memory of an idle engine", bound: .atMost(40), unit: "MB") {
            $0.find(IdleEngine.memoryBench, clients: "0")?.residentBytes.map { Double($0) / 1e6 }
        },
        Aim(name: "exec to listening, empty log", bound: .atMost(100), unit: "ms") {
            $0.find(IdleEngine.startBench, clients: "0")?.p50.map { $0 / 1000 }
        },
    ]
}
