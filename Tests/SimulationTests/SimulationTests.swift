import Primitives
import SimulationKit
import Testing

@Suite("Simulation")
struct SimulationTests {
    /// Seeds in each of eight blocks: what a debug build does in half a minute. `make simulate`
    /// runs as many as there is time for.
    private static let block: UInt64 = 40

    @Test("no promise is broken, and each seed does the same twice", arguments: UInt64(0)..<8)
    func seeds(block: UInt64) {
        for seed in block * Self.block..<(block + 1) * Self.block { check(seed) }
    }

    @Test(
        "seeds that once found something find nothing",
        arguments: [
            // The log, or the simulator itself, while both were built.
            153, 789, 3861, 2615,
            // The planted bugs: which of them it is that a seed finds, `make mutants` tells.
            0, 6, 9, 13, 18, 69, 73, 115, 231,
            // What a redrive made history, in a queue that had groups, counted once more.
            950_084_651,
        ]
    )
    func kept(seed: UInt64) { check(seed) }

    @Test("faults are dealt, and rare branches taken")
    func variety() {
        var tally = Tally()
        for seed in UInt64(0)..<100 { tally.add(Simulation.run(seed: seed).tally) }
        #expect(tally.powerCuts > 50)
        #expect(tally.kills > 50)
        #expect(tally.acknowledged > 1000)
        for branch in [
            Tally.Branch.tornTail, .rolled, .retried, .deadLetter, .fenced, .damageNamed,
        ] {
            #expect(tally.times(branch) > 0, "\(branch.rawValue)")
        }
    }

    private func check(_ seed: UInt64) {
        let outcome = Simulation.runTwice(seed: seed)
        if let finding = outcome.finding {
            Issue.record("seed \(seed), \(outcome.kind): \(finding)")
        }
    }
}
