import Primitives
import SimulationKit
import Testing

@Suite("Simulation")
struct SimulationTests {
    private static let block: UInt64 = 20

    @Test("no promise is broken, and each seed gives the same twice", arguments: UInt64(0)..<8)
    func seeds(block: UInt64) {
        for seed in block * Self.block..<(block + 1) * Self.block {
            if let finding = Simulation.runTwice(seed: seed).finding {
                Issue.record("seed \(seed): \(finding)")
            }
        }
    }
}
