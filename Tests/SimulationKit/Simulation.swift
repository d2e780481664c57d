import Primitives

/// The simulator: what one seed is about, and how it ends.
///
/// Of ten seeds, four run whole engines, by two generators of work in turn, a third of them with
/// retention; three damage a log at rest and repair it; two are about the bare log, and one about a
/// device that lies.
package enum Simulation {
    package static func run(seed: UInt64) -> Outcome {
        let retains = seed / 10 % 3 == 1
        return switch seed % 10 {
        case 0, 4: EngineSimulation(seed: seed, style: .steady, retains: retains).run(seed: seed)
        case 1, 5: EngineSimulation(seed: seed, style: .bursts, retains: retains).run(seed: seed)
        case 2: LogSimulation(seed: seed, lies: true).run(seed: seed)
        case 3, 7, 9: DamageSimulation(seed: seed).run(seed: seed)
        default: LogSimulation(seed: seed).run(seed: seed)
        }
    }

    /// Runs a seed twice; the second run must not differ from the first in anything.
    package static func runTwice(seed: UInt64) -> Outcome {
        var outcome = run(seed: seed)
        let again = run(seed: seed)
        if outcome.finding == nil, again.hash != outcome.hash || again.tally != outcome.tally {
            outcome.finding = "the same seed gave different effects"
        }
        return outcome
    }
}
