package import CommitLog
import Disk
import Primitives
import RecordFormat

/// Every bit of a small log directory flipped, one at a time: each flip is named where it is, or is
/// proved to have no meaning; no record is served that is not what was written, and none is missing
/// without a word.
///
/// Each flip is met four ways: by `verify`, by an engine that starts and then goes on until it has
/// used every segment, and by a running engine that reads its records back.
package struct BitFlips: Sendable {
    private let log: SoundLog
    /// The first bit of each region, and the region.
    private let index: [(bit: Int, region: SoundLog.Region)]
    package let bitCount: Int

    package init(_ ending: SoundLog.Ending) throws(LogError) {
        log = try SoundLog(ending)
        var bit = 0
        var index: [(Int, SoundLog.Region)] = []
        for region in log.regions {
            index.append((bit, region))
            bit += 8 * region.bytes.count
        }
        self.index = index
        bitCount = bit
    }

    /// The bits of every batch header and every length, and some of each page that has a checksum
    /// as a whole.
    package var headerBits: [Int] {
        index.flatMap { first, region -> [Int] in
            let bits = first..<first + bits(of: region)
            return switch region.place {
            case .batchHeader, .batchTime, .recordLength: Array(bits)
            case .segmentHeader, .slot:
                stride(from: first, to: first + 1024, by: 11) + [bits.upperBound - 1]
            default: []
            }
        }
    }

    private func bits(of region: SoundLog.Region) -> Int { 8 * region.bytes.count }

    /// Flips each of `bits` and judges what follows.
    package func run(_ bits: some Sequence<Int>) -> FlipTally {
        var tally = FlipTally()
        for bit in bits {
            let flip = flip(bit)
            do throws(LogError) {
                try check(flip, &tally)
            } catch {
                tally.find(bit, "\(flip): unexpected: \(error)")
            }
            if tally.finding != nil { break }
        }
        return tally
    }

    /// One flip.
    private struct Flip: CustomStringConvertible {
        let bit: Int
        let region: SoundLog.Region
        let byte: Int
        let mask: UInt8

        var description: String {
            let file = region.segment.map { "segment \($0)" } ?? "MANIFEST"
            return "bit \(bit), \(file) at byte \(byte), mask \(mask), \(region.place)"
        }
    }

    private func flip(_ bit: Int) -> Flip {
        var low = 0
        var high = index.count - 1
        while low < high {
            let middle = (low + high + 1) / 2
            if index[middle].bit <= bit { low = middle } else { high = middle - 1 }
        }
        let (first, region) = index[low]
        let byte = region.bytes.lowerBound + (bit - first) / 8
        return Flip(bit: bit, region: region, byte: byte, mask: 1 << UInt8(bit % 8))
    }

    private func apply(_ flip: Flip, to disk: SimulatedDisk) {
        if let segment = flip.region.segment {
            disk.files[segment]?.cache[flip.byte] ^= flip.mask
        } else {
            disk.manifest?.cache[flip.byte] ^= flip.mask
        }
    }

    // MARK: The oracle

    private func check(_ flip: Flip, _ tally: inout FlipTally) throws(LogError) {
        let disk = log.disk()
        apply(flip, to: disk)
        var served: [Offset: (whole: UInt64, untraced: UInt64)] = [:]
        var reader = LogReader(SimulatedStorage(disk))
        let scan = try reader.verify { served[$0.offset] = SoundLog.hashes(of: $0) }
        let kind = expectation(flip)
        func fail(_ text: String) { tally.find(flip.bit, "\(flip): \(text)") }
        if let wrong = misnamed(flip, kind, scan, disk) { return fail(wrong) }
        let lost = scan.damages.map(\.lost)
        for (number, record) in log.records.enumerated() {
            let offset = Offset(UInt64(number))
            guard let found = served.removeValue(forKey: offset) else {
                if lost.contains(where: { $0.contains(offset) }) { continue }
                return fail("record \(offset) is gone and not named, but \(scan.damages)")
            }
            if lost.contains(where: { $0.contains(offset) }) {
                return fail("record \(offset) is named as lost, and served")
            }
            if found.whole == record.whole { continue }
            guard found.whole == record.untraced, isBeside(flip, offset) else {
                return fail("record \(offset) is served changed")
            }
            tally.untraced += 1
        }
        if let offset = served.keys.min() { return fail("record \(offset) was never written") }
        if let wrong = try open(disk, flip, scan, &tally) { return fail(wrong) }
        if let wrong = try readBack(flip) { return fail(wrong) }
        tally.count(kind)
    }

    /// What has to become of a flip.
    private func expectation(_ flip: Flip) -> FlipKind {
        switch flip.region.place {
        case .slot: .slot
        case .segmentHeader: .segmentHeader
        case .batchHeader(let batch): batch.offsets.isEmpty ? .emptyBatch : .batchHeader
        case .batchTime(let batch): batch.offsets.isEmpty ? .emptyBatch : .records
        case .recordLength: .records
        case .record: .record
        case .padding: .padding
        case .tail(let position): flip.byte < position + Layout.sector ? .nextBatch : .tail
        case .sealed: .sealed
        case .footer: .footer
        case .ahead: .ahead
        }
    }

    /// Compares what was named with what has to be; nil: it is that and nothing else.
    private func misnamed(
        _ flip: Flip,
        _ kind: FlipKind,
        _ scan: LogScan,
        _ disk: SimulatedDisk
    ) -> String? {
        if case .slot(let slot) = flip.region.place {
            let bytes = disk.manifest?.cache[
                slot * Layout.manifestSlot..<(slot + 1) * Layout.manifestSlot
            ]
            let reading = Array(bytes ?? []).withUnsafeBytes { Manifest.read($0) }
            if reading != .damaged { return "the slot is taken for \(reading)" }
        }
        if kind == .tail {
            guard let torn = scan.torn, torn.segment == flip.region.segment,
                (torn.position..<torn.position + torn.byteCount).contains(flip.byte)
            else { return "not seen: \(String(describing: scan.torn))" }
        } else if let torn = scan.torn {
            return "taken for an unfinished write: \(torn)"
        }
        guard let wanted = wanted(flip, kind) else {
            return scan.damages.isEmpty ? nil : "a damage that costs nothing: \(scan.damages)"
        }
        guard scan.damages.count == 1, let damage = scan.damages.first else {
            return "not named once: \(scan.damages)"
        }
        let isRight =
            damage.segment == flip.region.segment && damage.position == wanted.position
            && wanted.reasons.contains(damage.reason) && wanted.isLost(damage.lost)
            && damage.isOpenEnded == wanted.isOpenEnded
        return isRight ? nil : "misnamed: \(damage)"
    }

    private struct Wanted {
        let reasons: [Damage.Reason]
        let position: Int
        /// What has to be lost, and what may be.
        let least: Range<Offset>
        let most: Range<Offset>
        let isOpenEnded: Bool

        init(
            _ reasons: [Damage.Reason],
            at position: Int,
            _ least: Range<Offset>,
            most: Range<Offset>? = nil,
            isOpenEnded: Bool = false
        ) {
            self.reasons = reasons
            self.position = position
            self.least = least
            self.most = most ?? least
            self.isOpenEnded = isOpenEnded
        }

        func isLost(_ lost: Range<Offset>) -> Bool {
            lost.lowerBound == least.lowerBound
                && (least.upperBound...most.upperBound).contains(lost.upperBound)
        }
    }

    /// What has to be named; nil: nothing.
    private func wanted(_ flip: Flip, _ kind: FlipKind) -> Wanted? {
        let end = Offset(UInt64(log.records.count))
        let body: [Damage.Reason] = [.changedBits, .missingSectors]
        switch flip.region.place {
        case .segmentHeader(let base): return Wanted([.segmentHeader], at: 0, base..<base)
        case .batchHeader(let batch):
            let isOpen = batch.isLast
            return Wanted([.batchHeader], at: batch.position, batch.offsets, isOpenEnded: isOpen)
        case .batchTime(let batch): return Wanted(body, at: batch.position, batch.offsets)
        case .recordLength(let batch, let offset):
            let rest = offset..<batch.header.end
            let one = offset..<offset.advanced(by: 1)
            return Wanted(body, at: batch.position, one, most: rest)
        case .record(let batch, let offset):
            return Wanted(body, at: batch.position, offset..<offset.advanced(by: 1))
        case .tail(let position) where kind == .nextBatch:
            return Wanted([.batchHeader], at: position, end..<end, isOpenEnded: true)
        case .footer(let end):
            return Wanted([.footer], at: flip.byte & ~(Layout.page - 1), end..<end)
        case .padding(let batch):
            let base = batch.header.base
            return Wanted([.padding], at: batch.position, base..<base)
        case .sealed(let end):
            return Wanted([.padding], at: flip.byte & ~(Layout.page - 1), end..<end)
        case .slot, .tail, .ahead: return nil
        }
    }

    /// Whether the record at `offset` is behind the damaged one in its batch: its trace id may have
    /// been written with that one.
    private func isBeside(_ flip: Flip, _ offset: Offset) -> Bool {
        switch flip.region.place {
        case .record(let batch, let damaged), .recordLength(let batch, let damaged):
            batch.offsets.contains(offset) && offset > damaged
        default: false
        }
    }
}

// MARK: Engines

extension BitFlips {
    private func opened(
        _ disk: SimulatedDisk,
        _ records: inout [UInt64]
    ) throws(LogError) -> CommitLog<SimulatedStorage> {
        var random = SeededEntropy(seed: 5)
        var found: [UInt64] = []
        defer { records = found }
        return try CommitLog(
            opening: LogClaim(SimulatedStorage(disk)),
            options: SoundLog.options,
            entropy: &random,
            now: Timestamp(seconds: 1)
        ) { found.append(LogWitness.hash(of: $0)) }
    }

    /// An engine starts: it refuses what `verify` names, else has every record, and goes on.
    private func open(
        _ disk: SimulatedDisk,
        _ flip: Flip,
        _ scan: LogScan,
        _ tally: inout FlipTally
    ) throws(LogError) -> String? {
        var records: [UInt64] = []
        let opened: CommitLog<SimulatedStorage>
        do throws(LogError) {
            opened = try self.opened(disk, &records)
        } catch .damaged(let damages) {
            return damages == scan.damages ? nil : "refused for \(damages), not \(scan.damages)"
        }
        guard scan.damages.allSatisfy(\.isBesideRecords) else {
            return "opened in spite of \(scan.damages)"
        }
        guard records == log.records.map(\.whole) else { return "opened with other records" }
        return try goOn(opened, disk, flip, &tally)
    }

    /// Appends until the next segment is in use, is killed, and finds everything.
    private func goOn(
        _ opened: consuming CommitLog<SimulatedStorage>,
        _ disk: SimulatedDisk,
        _ flip: Flip,
        _ tally: inout FlipTally
    ) throws(LogError) -> String? {
        var more = opened
        let first = more.activeSegment.number
        while more.activeSegment.number == first {
            _ = try more.append(kind: 9, time: more.lastTime, trace: nil, cause: nil) {
                $0.text("more")
            }
            while !more.isIdle {
                try more.flush()
                try more.reap()
            }
        }
        let durable = more.durable
        _ = consume more
        disk.kill()
        var records: [UInt64] = []
        do throws(LogError) {
            _ = try self.opened(disk, &records)
        } catch .damaged {
            guard case .ahead = flip.region.place else { throw .damaged([]) }
            tally.metLater += 1
            return nil
        }
        guard records.starts(with: log.records.map(\.whole)),
            records.count == Int(durable.rawValue)
        else { return "went on, and \(records.count) of \(durable) records are left" }
        return nil
    }

    /// An engine runs when the bit flips: it reads each record as it was written, or says so.
    private func readBack(_ flip: Flip) throws(LogError) -> String? {
        switch flip.region.place {
        case .slot, .tail, .sealed, .footer, .ahead: return nil
        case .segmentHeader, .batchHeader, .batchTime, .recordLength, .record, .padding: break
        }
        let disk = log.disk()
        var records: [UInt64] = []
        var opened = try opened(disk, &records)
        apply(flip, to: disk)
        for (number, record) in log.records.enumerated() {
            let offset = Offset(UInt64(number))
            do throws(LogError) {
                let found = try opened.record(at: offset) { LogWitness.hash(of: $0) }
                let isUntraced = found == record.untraced && isBeside(flip, offset)
                if found != record.whole, !isUntraced { return "record \(offset) is read changed" }
            } catch .damaged(let damages) {
                let isThere = damages.contains { $0.segment == flip.region.segment }
                if !isThere { return "record \(offset) is read as \(damages)" }
            }
        }
        return nil
    }
}
