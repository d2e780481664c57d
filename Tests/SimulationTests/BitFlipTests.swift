import CommitLog
import SimulationKit
import Testing

@Suite("Bit flips")
struct BitFlipTests {
    /// A sample of what `make bitflips` does: the headers of one log, and some of all bits of both.
    @Test(
        "a flipped bit is named where it is, or has no meaning",
        arguments: SoundLog.Ending.allCases
    )
    func sample(ending: SoundLog.Ending) throws {
        let flips = try BitFlips(ending)
        var bits = Array(stride(from: 5, to: flips.bitCount, by: 331))
        if ending == .killed {
            #expect(flips.bitCount == 524_288)
            bits += flips.headerBits
        }
        let tally = flips.run(bits)
        if let finding = tally.finding { Issue.record("\(finding.text)") }
        if ending == .closed { return #expect(tally.times(.ahead) > 0) }
        // Between the only seal and the footer there is no page.
        for kind in FlipKind.allCases where kind != .ahead && kind != .sealed {
            #expect(tally.times(kind) > 0, "\(kind.rawValue)")
        }
    }
}
