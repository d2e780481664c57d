import CommitLog
import SimulationKit

/// Every bit of every small log, on several threads, and the table of what became of them.
struct BitFlipRun: Sendable {
    private let jobs: Int
    private let clock = ContinuousClock()
    private static let block = 1024

    init(jobs: Int) { self.jobs = jobs }

    /// - Returns: whether no promise was broken.
    func run() async throws(LogError) -> Bool {
        var isSound = true
        for ending in SoundLog.Ending.allCases {
            let flips = try BitFlips(ending)
            let start = clock.now
            let tally = await run(flips)
            let text = text(tally, flips, ending, clock.now - start)
            print(text)
            isSound = isSound && tally.finding == nil
        }
        return isSound
    }

    private func run(_ flips: BitFlips) async -> FlipTally {
        var tally = FlipTally()
        await withTaskGroup(of: FlipTally.self) { group in
            var next = 0
            func add() {
                guard next < flips.bitCount else { return }
                let bits = next..<min(flips.bitCount, next + Self.block)
                next = bits.upperBound
                group.addTask { flips.run(bits) }
            }
            for _ in 0..<jobs { add() }
            while let part = await group.next() {
                tally.add(part)
                if tally.finding == nil { add() }
            }
        }
        return tally
    }

    private func text(
        _ tally: FlipTally,
        _ flips: BitFlips,
        _ ending: SoundLog.Ending,
        _ time: Duration
    ) -> String {
        var lines = [
            "a log that was \(ending.rawValue): \(flips.bitCount / 8) bytes, \(tally.total) of "
                + "\(flips.bitCount) bits flipped in \(time.components.seconds) s", "",
        ]
        for kind in FlipKind.allCases {
            let mark = kind.isDetected ? "seen    " : "harmless"
            lines.append("  \(padded(tally.times(kind)))  \(mark)  \(kind.rawValue)")
        }
        let seen = FlipKind.allCases.filter(\.isDetected).reduce(0) { $0 + tally.times($1) }
        lines += [
            "  \(padded(seen))  seen, \(tally.total - seen) where bytes have no meaning",
            "  \(padded(tally.untraced))  records served without the trace id that a damaged one bore",
            "  \(padded(tally.metLater))  in segments made ahead, named when the log had grown as far",
        ]
        if let finding = tally.finding { lines.append("BROKEN PROMISE: \(finding.text)") }
        lines.append("")
        return lines.joined(separator: "\n")
    }
}
