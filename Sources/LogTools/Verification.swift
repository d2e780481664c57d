import CommitLog
package import Primitives
import RecordFormat

/// What is wrong with a log, all of it.
package struct Verification: Equatable, Sendable {
    /// How much to check.
    package enum Depth: String, Sendable {
        /// Headers, and that batches and segments follow each other; every byte of the last
        /// segment only.
        case quick
        /// Every checksum, and that records follow each other.
        case full
        /// And that each record means something and contradicts none before it.
        case semantic
    }

    /// From best to worst.
    package enum Verdict: Int32, Sendable {
        case sound = 0
        /// An interrupted write at the end: nothing that was acknowledged is in it.
        case tornTail = 1
        /// Also where only snapshots are: no record is lost by that.
        case damaged = 2
        /// Checksums hold, but records contradict each other.
        case contradictory = 3
    }

    package let depth: Depth
    package let records: Int
    package let batches: Int
    package let segments: Int
    /// Half-open; empty where there is no record.
    package let offsets: Range<Offset>
    /// What was not looked at: bodies of batches, and their bytes.
    package let unreadBatches: Int
    package let unreadBytes: Int
    /// Where the unfinished batch at the end is.
    package let torn: String?
    package let damages: [String]
    /// Whether all that is damaged is MANIFEST, which a start makes anew.
    package let isOnlyManifestLost: Bool
    /// What is not in its place, where that is the damage.
    package let misplacement: Misplacement?
    /// Snapshots that cannot be used: no record is lost by that.
    package let snapshots: [String]
    /// Losses that somebody accepted: no fault of the log.
    package let gaps: [String]
    /// Records that retention removed.
    package let removed: Int
    /// At most ``listed``.
    package let contradictions: [String]
    package let contradictionCount: Int
    /// Records of kinds that this version does not know.
    package let unknownKinds: Int

    /// The most contradictions that are named.
    package static let listed = 100

    package init(_ pass: LogPass, depth: Depth) throws(ToolError) {
        var findings = Findings()
        var unknownKinds = 0
        let scan: LogScan
        switch depth {
        case .quick: scan = try pass.survey()
        case .full:
            var last = Timestamp(nanoseconds: .min)
            scan = try pass.verify { record in
                if record.time < last { findings.add(before: last, record) }
                last = max(last, record.time)
            }
        case .semantic:
            var semantics = Semantics()
            scan = try pass.verify { semantics.check($0) }
            findings = semantics.finish()
            unknownKinds = semantics.unknownKinds
        }
        self.depth = depth
        records = scan.records
        batches = scan.batches
        segments = scan.segments
        unreadBatches = scan.unreadBatches
        unreadBytes = scan.unreadBytes
        offsets = scan.first..<max(scan.first, scan.next)
        torn = scan.torn.map { torn in
            "segment \(torn.segment), byte \(torn.position): an interrupted write of at most "
                + "\(torn.byteCount) bytes; nothing in it was acknowledged, and the engine cuts it "
                + "at its next start"
        }
        let lost = [pass.lostManifest(scan)].compactMap { $0 }
        damages = lost + scan.damages.map(\.description)
        isOnlyManifestLost = !lost.isEmpty && scan.damages.isEmpty
        misplacement = Misplacement(of: scan.damages, in: pass.path)
        snapshots = try pass.unusableSnapshots(readingAll: depth != .quick)
        gaps = scan.gaps.map { gap in
            "segment \(gap.segment), byte \(gap.position): offsets \(gap.lost.lowerBound)..<"
                + "\(gap.lost.upperBound) are lost, and their loss was accepted"
        }
        removed = scan.removed
        contradictions = findings.found
        contradictionCount = findings.count
        self.unknownKinds = unknownKinds
    }

    package var verdict: Verdict {
        if !damages.isEmpty { return .damaged }
        if contradictionCount > 0 { return .contradictory }
        if !snapshots.isEmpty { return .damaged }
        return torn == nil ? .sound : .tornTail
    }

    package func write(to output: Output, palette: Palette) {
        for damage in damages { output.line(palette.red("damaged: ") + damage) }
        for contradiction in contradictions {
            output.line(palette.red("contradiction: ") + contradiction)
        }
        if contradictionCount > contradictions.count {
            output.line("… and \(contradictionCount - contradictions.count) contradictions more")
        }
        for snapshot in snapshots { output.line(palette.yellow("snapshot: ") + snapshot) }
        for gap in gaps { output.line(palette.yellow("gap: ") + gap) }
        if let torn { output.line(palette.yellow("torn tail: ") + torn) }
        let range =
            offsets.isEmpty ? "no record" : "offsets \(offsets.lowerBound)..<\(offsets.upperBound)"
        output.line(
            "\(Text.count(records, "record")) (\(range)) in \(batches) "
                + "batch\(batches == 1 ? "" : "es"), \(Text.count(segments, "segment"))"
                + (unknownKinds > 0
                    ? ", \(unknownKinds) of kinds that this version does not know" : "")
        )
        if removed > 0 { output.line("\(Text.count(removed, "record")) removed by retention") }
        if unreadBatches > 0 {
            output.line(
                "not checked: the bodies of \(unreadBatches) batches (\(unreadBytes) bytes); "
                    + "--full reads them"
            )
        }
        switch verdict {
        case .sound: output.line(palette.green("ok"))
        case .tornTail: output.line(palette.yellow("ok but for a torn tail"))
        case .damaged where damages.isEmpty:
            let count = Text.count(snapshots.count, "snapshot")
            output.line(palette.red("no damage but \(count) that cannot be used"))
        case .damaged: output.line(palette.red(Text.count(damages.count, "damage")))
        case .contradictory:
            output.line(palette.red(Text.count(contradictionCount, "contradiction")))
        }
    }
}
