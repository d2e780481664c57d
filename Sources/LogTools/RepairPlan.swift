package import CommitLog
import Disk
import JSON
package import Primitives
import RecordFormat

/// What is wrong with a log, and which segments another file would take the place of.
package struct RepairPlan: Equatable, Sendable {
    /// A segment to be written anew.
    struct Item: Equatable, Sendable {
        let segment: UInt64
        /// The offsets that it has to stand for: where the segment before ends, to where the next
        /// one begins.
        let offsets: Range<Offset>
        /// Whether there is a file to be kept.
        let exists: Bool
    }

    package let damages: [Damage]
    let items: [Item]
    let engine: UUID128
    /// What MANIFEST says; nil when it says nothing.
    let manifest: Manifest?
    /// The first segment that there is to be.
    let first: UInt64
    let missing: MissingRecords
    /// Every record below is known to have been durable.
    let mark: Offset
    /// What is to be put in its place instead; nil: nothing.
    let misplacement: Misplacement?
    /// That MANIFEST is lost, and what becomes of that; nil: it is there.
    let lostManifest: String?
    /// The data directory.
    private let path: String

    /// More segments than any log has: numbers beyond are not believed.
    private static let segmentLimit: UInt64 = 1 << 20

    package init(_ pass: LogPass) throws(ToolError) {
        let scan = try pass.verify { _ in }
        let files = Set(try pass.files().map(\.number))
        damages = scan.damages
        engine = Salvage.engine(of: scan)
        manifest = scan.manifest
        missing = MissingRecords(scan)
        mark = scan.mark
        misplacement = Misplacement(of: scan.damages, in: pass.path)
        lostManifest = pass.lostManifest(scan)
        path = pass.path
        let known = scan.spans.map(\.header.number)
        first = scan.manifest?.oldestSegment ?? files.min() ?? 0
        let last = (known + damages.map(\.segment) + [scan.manifest?.active ?? 0]).max() ?? 0
        guard !damages.isEmpty, misplacement == nil, first <= last else {
            items = []
            return
        }
        guard last - first < Self.segmentLimit else {
            throw ToolError(
                .damaged,
                "MANIFEST or a segment's name is beyond belief (segments \(first) to \(last)); "
                    + "`\(pass.command("recover --to DIRECTORY"))` takes what is intact"
            )
        }
        let damaged = Set(damages.map(\.segment))
        var items: [Item] = []
        var next = scan.spans.first?.header.number == first ? scan.first : .zero
        for number in first...last {
            let span = scan.spans.first { $0.header.number == number }
            if let span, !damaged.contains(number) {
                next = span.end
                continue
            }
            let behind = scan.spans.first { $0.header.number > number }
            let end = max(next, behind?.header.base ?? Salvage.end(of: scan))
            items.append(
                Item(segment: number, offsets: next..<end, exists: files.contains(number))
            )
            next = end
        }
        self.items = items
    }

    /// What has to be accepted, as the command takes it; nothing where it is not repaired at all.
    package var losses: [AcceptedLoss] {
        misplacement == nil ? damages.map { AcceptedLoss($0) } : []
    }

    /// Throws unless exactly what is damaged was accepted, and where nobody has to lose it.
    package func check(_ accepted: [AcceptedLoss]) throws(ToolError) {
        if let misplacement { throw misplacement.error }
        if let missing = losses.first(where: { !accepted.contains($0) }) {
            throw ToolError(
                .lossNotAccepted,
                "nothing was changed: the loss \(missing) is there and was not accepted; "
                    + "--dry-run tells all of them"
            )
        }
        if let strange = accepted.first(where: { !losses.contains($0) }) {
            throw ToolError(
                .lossNotAccepted,
                "nothing was changed: there is no damage \(strange); --dry-run tells what there is"
            )
        }
    }

    package func write(to output: Output, palette: Palette) {
        for damage in allDamages { output.line(palette.red("damaged: ") + damage) }
        if let misplacement {
            output.line("to repair: \(misplacement.advice)")
            return
        }
        for item in items {
            let name = DataDirectory.segmentName(item.segment)
            let range = "offsets \(item.offsets.lowerBound)..<\(item.offsets.upperBound)"
            output.line(
                item.exists
                    ? "log/\(name) is kept in quarantine/, and a file with its intact records and "
                        + "gaps for the rest (\(range)) takes its place"
                    : "log/\(name) is written anew, a gap for \(range)"
            )
        }
        if !damages.isEmpty {
            let options = losses.map { " --accept-loss \($0)" }.joined()
            output.line("to repair: \(ToolCommand.text("repair\(options)", on: path))")
        } else if lostManifest == nil {
            output.line(palette.green("nothing to repair"))
        }
    }

    /// What is told of a repair that was carried out.
    package func writeDone(to output: Output) {
        for damage in damages { output.line("mended: \(damage)") }
        let kept = items.contains(where: \.exists)
        output.line(kept ? "repaired; what was damaged is in quarantine/" : "repaired")
    }

    private var allDamages: [String] {
        [lostManifest].compactMap { $0 } + damages.map(\.description)
    }

    /// Everything as one JSON object on one line; `isDone` tells whether it was carried out.
    package func json(isDone: Bool) -> String {
        var json = JSONBuilder()
        json.beginObject()
        json.key("repaired")
        json.bool(isDone)
        json.key("damages")
        json.beginArray()
        for damage in allDamages { json.string(damage) }
        json.endArray()
        json.key("accept_loss")
        json.beginArray()
        for loss in losses { json.string(loss.description) }
        json.endArray()
        json.key("segments")
        json.beginArray()
        for item in items { json.integer(item.segment) }
        json.endArray()
        json.endObject()
        return json.finish().description
    }
}
