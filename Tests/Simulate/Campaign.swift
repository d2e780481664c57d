import Glibc
import Primitives
import SimulationKit

/// Many seeds, on several threads. What comes out does not depend on how many.
struct Campaign: Sendable {
    private let arguments: Arguments
    private let clock = ContinuousClock()
    private static let block: UInt64 = 50

    init(_ arguments: Arguments) { self.arguments = arguments }

    func run() async -> Report {
        let start = clock.now
        var report = Report()
        let limit = start.advanced(by: .seconds(Int64(clamping: min(arguments.seconds, 1 << 32))))
        await withTaskGroup(of: Report.self) { group in
            var next = arguments.from
            let end = arguments.from + arguments.seeds
            func add() {
                guard next < end, clock.now < limit else { return }
                let seeds = next..<min(end, next + Self.block)
                next = seeds.upperBound
                group.addTask { run(seeds) }
            }
            for _ in 0..<arguments.jobs { add() }
            while let part = await group.next() {
                report.add(part)
                if report.findings.isEmpty { add() }
            }
        }
        report.time = clock.now - start
        return report
    }

    private func run(_ seeds: Range<UInt64>) -> Report {
        var report = Report()
        for seed in seeds {
            report.add(
                arguments.once ? Simulation.run(seed: seed) : Simulation.runTwice(seed: seed)
            )
            if !report.findings.isEmpty { break }
        }
        return report
    }
}

/// What many seeds met.
struct Report: Sendable {
    private var seeds = 0
    private var tally = Tally()
    private var sum: UInt64 = 0
    /// In the order of the seeds, as far as they were run.
    private(set) var findings: [(seed: UInt64, text: String)] = []
    var time = Duration.zero

    mutating func add(_ outcome: Outcome) {
        seeds += 1
        tally.add(outcome.tally)
        // A sum: in whatever order the seeds come.
        sum &+= outcome.hash &* (2 &* outcome.seed &+ 1)
        guard let finding = outcome.finding else { return }
        findings.append((outcome.seed, "seed \(outcome.seed) (\(outcome.kind)): \(finding)"))
    }

    mutating func add(_ other: Report) {
        seeds += other.seeds
        tally.add(other.tally)
        sum &+= other.sum
        findings = (findings + other.findings).sorted { $0.seed < $1.seed }
    }

    private var untaken: [Tally.Branch] {
        Tally.Branch.allCases.filter { tally.times($0) == 0 }
    }

    var status: Int32 { !findings.isEmpty ? 1 : untaken.isEmpty ? 0 : 3 }

    /// Of all that left the engines, and of their disks.
    var hash: String { String(sum, radix: 16) }

    var text: String {
        let (whole, parts) = time.components
        let elapsed = Double(whole) + Double(parts) / 1e18
        var lines = [
            "seeds         \(seeds) in \(tenths(elapsed)) s, \(Int(Double(seeds) / elapsed)) a second",
            "lives         \(tally.lives): \(tally.kills) kills, \(tally.powerCuts) power cuts",
            "acknowledged  \(tally.acknowledged) records; \(tally.recovered) recovered",
            "effects       \(tally.effects)",
            "hash          \(hash)",
            "", "faults",
        ]
        for (fault, count) in zip(Tally.Fault.allCases, tally.faults) {
            lines.append("  \(padded(count))  \(fault.rawValue)")
        }
        lines += ["", "sometimes"]
        for (branch, count) in zip(Tally.Branch.allCases, tally.branches) {
            lines.append("  \(padded(count))  \(branch.rawValue)")
        }
        lines.append("")
        for branch in untaken { lines.append("NEVER TAKEN: \(branch.rawValue)") }
        for finding in findings {
            lines.append("BROKEN PROMISE: \(finding.text)")
        }
        if status == 0 { lines.append("no broken promise") }
        return lines.joined(separator: "\n")
    }

    private func tenths(_ value: Double) -> Double { (value * 10).rounded() / 10 }
}

/// A count in ten columns.
func padded(_ count: Int) -> String {
    let text = String(count)
    return String(repeating: " ", count: max(0, 10 - text.count)) + text
}
