import CommitLog
import Disk
import Engine
import Folding
import LogTools
import Primitives
import RecordFormat

/// What the thread beside the core has made.
struct Upkeep {
    /// The newest last; at most two.
    var snapshots: [SnapshotImage] = []
    /// Up to which offset the newest one reaches.
    var newest = Offset.zero
    /// Every record that retention may ever have met, from the first on.
    var archive: [ArchivedRecord] = []
}

extension EngineSimulation {
    /// What the thread beside the core does while the engine runs: a snapshot of what is sealed,
    /// and then retention, which may be cut at any step.
    func keepUp(_ core: borrowing Core) throws(LogError) {
        let base = core.log.activeSegment.base
        guard base > upkeep.newest else { return }
        var reader = LogReader(SimulatedStorage(disk))
        do throws(LogError) {
            try archive(&reader, until: base)
            var fold = SnapshotFold()
            if let last = upkeep.snapshots.last {
                guard let next = try? SnapshotFold(on: last) else {
                    return find("a snapshot cannot be read back")
                }
                fold = next
            }
            try fold.fold(&reader, until: base)
            guard let (image, needs) = fold.imageAndNeeds() else {
                return find("a snapshot cannot be written down")
            }
            // As `SnapshotKeeper` does: a start may go on from the one before.
            let limit = upkeep.newest
            upkeep.snapshots = upkeep.snapshots.suffix(1) + [image]
            upkeep.newest = base
            try compact(needs, below: limit)
        } catch {
            if case .damaged = error { find("false alarm beside the core: \(error)") }
            // What cannot be read is let be; the engine goes on.
            if disk.hasCrashed { throw error }
        }
    }

    private func archive(
        _ reader: inout LogReader<SimulatedStorage>,
        until end: Offset
    ) throws(LogError) {
        var records: [ArchivedRecord] = []
        let start = Offset(UInt64(upkeep.archive.count))
        _ = try reader.read(from: start, until: end) { record throws(DecodeError) in
            if record.offset >= start, record.offset < end {
                records.append(ArchivedRecord(record))
            }
        }
        if records.count != start.distance(to: end) {
            find("\(records.count) records from \(start) to \(end) before they may be removed")
        }
        upkeep.archive += records
    }

    private func compact(_ needs: NeededRecords, below limit: Offset) throws(LogError) {
        let compaction = Compaction(
            SimulatedFiles(disk),
            reading: LogSource(SimulatedSource(disk)),
            views: needs,
            limit: limit
        )
        let isByAge = entropy.next() % 3 == 0
        let age = Timestamp.Span.milliseconds(Int64(entropy.next() % 60_000))
        let bytes = Int(entropy.next() % 4) * swarm.options.segmentBytes
        // At times so little that most of what may be left is not, or is kept for another's sake.
        let remembersLittle = entropy.next() % 2 == 0
        let policy = Compaction.Policy(
            age: isByAge ? age : nil,
            bytes: isByAge ? nil : bytes,
            compression: entropy.next() % 2 == 0 ? .zstd : .none,
            // What is between others mostly stays, or none of it does.
            leastHole: [0, 2, 4, 12][Int(entropy.next() % 4)] * Layout.page / 2,
            limits: KeptRecords.Limits(
                bits: remembersLittle ? 64 : 1 << 14,
                chained: remembersLittle ? 3 : 1 << 10
            )
        )
        do throws(ToolError) {
            let outcome = try compaction.run(policy, now: wall)
            if let failure = outcome.failure { throw failure }
            if outcome.segments > 0 { tally.count(.compacted) }
            if outcome.left > 0 { tally.count(.leftBeside) }
        } catch {
            if disk.hasCrashed {
                tally.count(.cutInsideCompaction)
                throw .storage(.system("crash", path: "simulated", code: 0))
            }
            if !disk.hasFailed { find("retention: \(error.message)") }
        }
    }
}
