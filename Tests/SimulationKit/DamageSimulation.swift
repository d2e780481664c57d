import CommitLog
import Disk
import LogTools
import Primitives
import RecordFormat

/// A sound log whose bytes are damaged behind its back: every damage is detected and named, every
/// record that can be served is what was written, and without damage nobody cries.
package struct DamageSimulation: ~Copyable {
    private var entropy: SeededEntropy
    private let swarm: Swarm
    private let disk: SimulatedDisk
    /// What the log held, by offset.
    private var written: [UInt64] = []

    package init(seed: UInt64) {
        entropy = SeededEntropy(seed: seed)
        swarm = Swarm(&entropy)
        disk = SimulatedDisk(seed: entropy.next())
    }

    package consuming func run(seed: UInt64) -> Outcome {
        let shape = entropy.next()
        var finding: String?
        do throws(LogError) {
            written = try Self.fill(disk, swarm, shape, content: entropy.next())
            let twin = SimulatedDisk(seed: entropy.next())
            _ = try Self.fill(twin, swarm, shape, content: entropy.next())
            let damage = damage(twin)
            finding = try check(damage).map { "\(damage.map(\.rawValue) ?? "no damage"): \($0)" }
        } catch {
            finding = "unexpected: \(error)"
        }
        disk.tally.lives += 2
        disk.tally.acknowledged += written.count
        return Outcome(
            seed: seed,
            kind: "damage",
            finding: finding,
            tally: disk.tally,
            hash: disk.checksum
        )
    }

    /// Writes a log of which `shape` gives the sizes and `content` the bytes.
    private static func fill(
        _ disk: SimulatedDisk,
        _ swarm: Swarm,
        _ shape: UInt64,
        content: UInt64
    ) throws(LogError) -> [UInt64] {
        var shape = SeededEntropy(seed: shape)
        var content = SeededEntropy(seed: content)
        disk.delayPercent = 0
        var written: [UInt64] = []
        var log = try CommitLog(
            opening: LogClaim(SimulatedStorage(disk)),
            options: swarm.options,
            entropy: &content,
            now: Timestamp(seconds: 1)
        ) { _ in }
        for _ in 0..<2 + shape.next() % 25 {
            for _ in 0...shape.next() % 4 where log.hasRoom {
                let isLarge = shape.next() % 6 == 0
                let size = Int(shape.next() % (isLarge ? 6000 : 300))
                let byte = shape.next() % 6 == 0 ? 0 : UInt8(truncatingIfNeeded: content.next())
                let payload = [UInt8](repeating: byte, count: min(size, swarm.options.recordBytes))
                do throws(LogError) {
                    _ = try log.append(kind: 9, time: log.lastTime, trace: nil, cause: nil) {
                        writer in
                        payload.withUnsafeBytes { writer.raw($0) }
                    }
                } catch .full { break }
            }
            while !log.isIdle {
                try log.flush()
                try log.reap()
            }
            guard shape.next() % 3 == 0 else { continue }
            try log.flushIdle()
            try log.reap()
        }
        for number in 0..<log.durable.rawValue {
            written.append(try log.record(at: Offset(number)) { LogWitness.hash(of: $0) })
        }
        if shape.next() % 3 == 0 { try log.close() }
        disk.kill()
        return written
    }

    /// What the bytes that are left say is durable: all that can be promised of a file whose end is
    /// gone.
    private func mark() -> Int {
        var mark: UInt64 = 0
        for segment in disk.files.keys {
            disk.files[segment]?.cache.withUnsafeBytes { bytes in
                for start in stride(from: 0, to: bytes.count - Layout.page + 1, by: Layout.page) {
                    let page = UnsafeRawBufferPointer(rebasing: bytes[start..<start + Layout.page])
                    guard case .header(let batch) = BatchHeader.read(page) else { continue }
                    mark = max(mark, batch.durable.rawValue)
                }
            }
        }
        disk.manifest?.cache.withUnsafeBytes { bytes in
            for slot in 0..<2 {
                let start = slot * Layout.manifestSlot
                let range = start..<start + Layout.manifestSlot
                let page = UnsafeRawBufferPointer(rebasing: bytes[range])
                guard case .valid(let manifest) = Manifest.read(page) else { continue }
                mark = max(mark, manifest.durable.rawValue)
            }
        }
        return Int(mark)
    }

    // MARK: The oracle

    private mutating func check(_ damage: Tally.Fault?) throws(LogError) -> String? {
        var found: [UInt64: UInt64] = [:]
        var named: [Damage] = []
        do throws(LogError) {
            var reader = LogReader(SimulatedStorage(disk))
            let scan = try reader.verify { found[$0.offset.rawValue] = LogWitness.hash(of: $0) }
            named = scan.damages
        } catch .refused {
            return damage == nil ? "a sound log was refused" : nil
        }
        if damage == nil, !named.isEmpty { return "false alarm: \(named)" }
        let promised = damage == .truncatedFile ? mark() : written.count
        for (offset, hash) in written.enumerated() {
            if let served = found[UInt64(offset)] {
                if served != hash { return "record \(offset) is served changed" }
            } else if offset < promised, !named.contains(where: { $0.covers(offset) }) {
                return "record \(offset) is gone and not named, but \(named)"
            }
        }
        if found.keys.contains(where: { $0 >= UInt64(written.count) }) {
            return "a record is served that was never written"
        }
        if let wrong = try open(damage, named, promised) { return wrong }
        if rename(named) { return try check(nil).map { "renamed, and \($0)" } }
        return named.isEmpty ? nil : repair(found)
    }

    /// Segments under each other's names get their own, as the tools say: all is as it was then.
    ///
    /// - Returns: whether there were some.
    private mutating func rename(_ named: [Damage]) -> Bool {
        let strays = named.compactMap { damage -> (name: UInt64, number: UInt64)? in
            guard case .misnamed(let number) = damage.reason else { return nil }
            return (damage.segment, number)
        }
        guard !strays.isEmpty else { return false }
        endProcess()
        let files = disk.files
        for stray in strays { disk.files[stray.number] = files[stray.name] }
        return true
    }

    /// The damage is accepted: the log opens with every record that was intact, whenever the repair
    /// was cut.
    private mutating func repair(_ intact: [UInt64: UInt64]) -> String? {
        var cuts = Int(entropy.next() % 4)
        while true {
            endProcess()
            disk.operationsLeft = cuts > 0 ? Int(entropy.next() % 80) : nil
            do throws(ToolError) {
                let pass = LogPass(SimulatedSource(disk))
                let plan = try RepairPlan(pass)
                try plan.check(plan.losses)
                try Repair(pass, plan, SimulatedFiles(disk)).run()
                break
            } catch {
                guard disk.hasCrashed else { return "cannot be repaired: \(error.message)" }
                disk.tally.count(.cutInsideRepair)
                cuts -= 1
            }
        }
        endProcess()
        var left: [UInt64: UInt64] = [:]
        do throws(LogError) {
            _ = try CommitLog(
                opening: LogClaim(SimulatedStorage(disk)),
                options: swarm.options,
                entropy: &entropy,
                now: Timestamp(seconds: 1)
            ) { left[$0.offset.rawValue] = LogWitness.hash(of: $0) }
        } catch {
            return "repaired, and does not open: \(error)"
        }
        disk.tally.count(.repaired)
        return left == intact
            ? nil : "repaired with \(left.count) records, \(intact.count) were intact"
    }

    private mutating func endProcess() {
        if entropy.next() % 2 == 0 { disk.cutPower() } else { disk.kill() }
    }

    /// A log with a damage does not open, and one without opens with everything.
    private mutating func open(
        _ damage: Tally.Fault?,
        _ named: [Damage],
        _ promised: Int
    ) throws(LogError) -> String? {
        // No record depends on a footer or on padding, so no start looks at them.
        let named = named.filter { !$0.isBesideRecords }
        var recovered: [UInt64] = []
        do throws(LogError) {
            let log = try CommitLog(
                opening: LogClaim(SimulatedStorage(disk)),
                options: swarm.options,
                entropy: &entropy,
                now: Timestamp(seconds: 1)
            ) { recovered.append(LogWitness.hash(of: $0)) }
            if log.recovery.rebuiltManifest { disk.tally.count(.manifestRebuilt) }
        } catch .damaged(let damages) {
            if damage == nil { return "false alarm: \(damages)" }
            disk.tally.count(.damageNamed)
            for damage in damages where damage.reason == .segmentHeader && damage.lost.isEmpty {
                disk.tally.count(.headerSalvage)
            }
            return damages == named ? nil : "refused for \(damages), but verified as \(named)"
        } catch .refused {
            return damage == nil ? "a sound log was refused" : nil
        }
        if !named.isEmpty { return "opened in spite of \(named)" }
        disk.tally.recovered += recovered.count
        if damage != nil { disk.tally.count(.harmlessDamage) }
        if recovered.count < promised { return "lost without a word: \(recovered.count)" }
        return recovered.elementsEqual(written.prefix(recovered.count)) ? nil : "records changed"
    }
}

extension Damage {
    fileprivate func covers(_ offset: Int) -> Bool {
        let offset = Offset(UInt64(offset))
        return lost.contains(offset) || isOpenEnded && offset >= lost.lowerBound
    }
}

// MARK: Damages

extension DamageSimulation {
    /// Damages the disk in one way; nil: not at all.
    private mutating func damage(_ twin: SimulatedDisk) -> Tally.Fault? {
        let begun = disk.files.keys.sorted().filter { disk.files[$0]?.cache[0] != 0 }
        guard let any = begun.randomElement(using: &entropy) else { return nil }
        let other = begun.randomElement(using: &entropy) ?? any
        let fault: Tally.Fault
        switch entropy.next() % 16 {
        case 0: return nil
        case 1: fault = damageManifest()
        case 2:
            fault = .lostFile
            disk.files[any] = nil
        case 3:
            fault = .truncatedFile
            disk.edit(any) { $0.removeLast(1 + Int(entropy.next() % UInt64($0.count))) }
        case 4 where any != other:
            fault = .swappedFiles
            (disk.files[any], disk.files[other]) = (disk.files[other], disk.files[any])
        case 5 where any != other:
            fault = .copiedFile
            disk.files[any] = disk.files[other]
        case 6:
            fault = .foreignBytes
            let count = 1 + Int(entropy.next() % 9000)
            disk.edit(any) { $0 += [UInt8](repeating: 7, count: count) }
        case 7:
            fault = .foreignBatch
            copyBatch(from: twin, any)
        case 8:
            fault = .misdirectedWrite
            copyBatch(within: any)
        default:
            fault = .bitFlip
            for _ in 0...entropy.next() % 3 {
                let isLast = entropy.next() % 2 == 0
                flip(isLast ? begun.last ?? any : begun.randomElement(using: &entropy) ?? any)
            }
        }
        disk.tally.count(fault)
        return fault
    }

    private mutating func damageManifest() -> Tally.Fault {
        let isBoth = entropy.next() % 3 == 0
        let first = Int(entropy.next() % 2)
        for slot in 0..<2 where isBoth || slot == first {
            // Of a slot, the part that is not padding.
            let byte = slot * Layout.manifestSlot + 12 + Int(entropy.next() % 60)
            disk.manifest?.cache[byte] ^= 1 << UInt8(entropy.next() % 8)
        }
        return .damagedManifest
    }

    /// Flips one bit, mostly where something is written, and none that empties its sector: that is
    /// what a torn write looks like, and nobody can tell the two apart.
    private mutating func flip(_ segment: UInt64) {
        let sector = SimulatedDisk.sector
        let batches = batches(of: segment)
        if entropy.next() % 2 == 0, let batch = batches.randomElement(using: &entropy) {
            // The fields of a header that nothing but its checksum confirms stand at its end.
            let from = entropy.next() % 3 == 0 ? 0 : 52
            let byte = batch.lowerBound + from + Int(entropy.next() % UInt64(64 - from))
            let bit = UInt8(entropy.next() % 8)
            return disk.edit(segment) { $0[byte] ^= 1 << bit }
        }
        disk.edit(segment) { bytes in
            let used = 1 + (bytes.lastIndex { $0 != 0 } ?? 0)
            for _ in 0..<20 {
                let reach = entropy.next() % 10 == 0 ? bytes.count : used
                let byte = Int(entropy.next() % UInt64(reach))
                bytes[byte] ^= 1 << UInt8(entropy.next() % 8)
                let start = byte / sector * sector
                if bytes[start..<start + sector].contains(where: { $0 != 0 }) { return }
            }
        }
    }

    private func batches(of segment: UInt64) -> [Range<Int>] {
        guard let bytes = disk.files[segment]?.cache else { return [] }
        var found: [Range<Int>] = []
        bytes.withUnsafeBytes { bytes in
            var position = Layout.segmentHeader
            while position + Layout.page <= bytes.count,
                case .header(let batch) = BatchHeader.read(
                    UnsafeRawBufferPointer(rebasing: bytes[position..<position + Layout.page])
                )
            {
                found.append(position..<position + batch.extent)
                position += batch.extent
            }
        }
        return found
    }

    /// Puts a batch in the place of its counterpart in another log of the same shape.
    private mutating func copyBatch(from twin: SimulatedDisk, _ segment: UInt64) {
        guard let place = batches(of: segment).randomElement(using: &entropy),
            let source = twin.files[segment]?.cache, place.upperBound <= source.count
        else { return }
        disk.edit(segment) { $0.replaceSubrange(place, with: source[place]) }
    }

    /// Writes a batch over the beginning of another one.
    private mutating func copyBatch(within segment: UInt64) {
        let batches = batches(of: segment)
        guard let from = batches.randomElement(using: &entropy),
            let to = batches.randomElement(using: &entropy),
            let count = disk.files[segment]?.cache.count
        else { return }
        let target = to.lowerBound..<min(to.lowerBound + from.count, count)
        disk.edit(segment) { bytes in
            bytes.replaceSubrange(target, with: bytes[from].prefix(target.count))
        }
    }
}
