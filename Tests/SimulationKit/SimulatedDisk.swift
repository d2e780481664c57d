package import Disk
package import Primitives
import RecordFormat

/// A disk that can fail: what programs see and what survives a power cut are kept apart, sector by
/// sector. It outlives the storages that are opened on it, as a disk does.
///
/// One thread owns it. Everything random about it comes from its seed.
package final class SimulatedDisk {
    package static let sector = 512

    struct Write {
        let bytes: [UInt8]
        let target: WriteTarget
        let position: Int
        let ticket: UInt64
    }

    package var files: [UInt64: File] = [:]
    package var manifest: File?
    /// Files that are being written beside the segments, by name.
    var unnamed: [String: File] = [:]
    /// Segments in whose place another file was put, until that is durable; nil: there was none.
    var replaced: [UInt64: File?] = [:]
    package var isLocked = false
    package var entropy: SeededEntropy
    var inFlight: Write?
    /// Reads that are to be reported.
    var reads: [Completion] = []
    var preparing: (number: UInt64, size: Int)?
    var prepared: Preparation = .none

    // MARK: Faults to come

    /// Operations until the process is cut off; nil for never.
    package var operationsLeft: Int?
    package private(set) var hasCrashed = false
    /// In how many of a thousand completions the write fails.
    package var failuresPerThousand: UInt64 = 0
    /// In how many of a thousand reads the device gives an error.
    package var readFailuresPerThousand: UInt64 = 0
    /// Bytes of segments that the device does not give, however often it is asked.
    package var badBytes: [UInt64: Range<Int>] = [:]
    /// In how many of a hundred looks a write is still on its way.
    package var delayPercent: UInt64 = 30
    /// Whether there is no room for another segment.
    package var isFull = false
    /// What else stands in the way of another segment.
    package var obstacle: StorageError?
    /// After how many waits there is room again; nil: not by itself.
    package var waitsUntilRoom: Int?
    /// Whether writes tear between pages only, not within them.
    package var tearsPages = false
    /// In how many of a hundred flushes the device says that it did what it did not.
    package var liesPercent: UInt64 = 0
    /// Whether an operation of this process failed by a fault of the device.
    package internal(set) var hasFailed = false
    var hasWriteFailed = false
    var wasRefusedRoom = false

    // MARK: What happened

    package internal(set) var tally = Tally()
    /// What no program may do to a storage, and this one did.
    package internal(set) var violations: [String] = []
    /// Nanoseconds that ``SimulatedStorage/wait(nanoseconds:)`` took, for a virtual clock.
    package var waited: UInt64 = 0
    /// Whether the log is past its recovery: what is read then is read back.
    package var isServing = false
    /// Who takes note of what is handed over; nil: nobody.
    package var witness: LogWitness?

    package init(seed: UInt64) { entropy = SeededEntropy(seed: seed) }

    package func chance(_ count: UInt64, of total: UInt64) -> Bool {
        entropy.next() % total < count
    }

    /// Counts an operation, and ends the process in it when its time has come.
    func operate() throws(StorageError) {
        guard !hasCrashed else { throw .system("crash", path: "simulated", code: 0) }
        guard let left = operationsLeft else { return }
        operationsLeft = left - 1
        guard left <= 0 else { return }
        hasCrashed = true
        throw .system("crash", path: "simulated", code: 0)
    }

    /// An operation that is done as a whole or not at all, also when the process ends in it.
    func operate(_ change: () -> Void) throws(StorageError) {
        let hadCrashed = hasCrashed
        do throws(StorageError) {
            try operate()
        } catch {
            if !hadCrashed, chance(1, of: 2) { change() }
            throw error
        }
        change()
    }

    func fail(_ fault: Tally.Fault, _ operation: String) -> StorageError {
        tally.count(fault)
        hasFailed = true
        return .system(operation, path: "simulated", code: 5)
    }

    /// Takes note of a write before anything can happen to it.
    func note(_ bytes: UnsafeRawBufferPointer, _ target: WriteTarget, _ position: Int) {
        guard case .segment = target else { return }
        if case .segment(let number) = target,
            position + bytes.count > files[number]?.cache.count ?? 0
        {
            violate("a write behind the end of segment \(number)")
        }
        if position == 0 { return tally.count(.rolled) }
        guard case .header(let batch) = BatchHeader.read(bytes) else {
            return violate("a write that is no batch")
        }
        if batch.kind == .idle { tally.count(.idleMark) }
        if let finding = witness?.see(batch, bytes) { violate(finding) }
    }

    // MARK: Bytes

    /// How a write's bytes end up.
    enum Fate {
        /// On the medium.
        case synced
        /// In the cache, to be lost with the power.
        case cached
        /// In the cache only, and no sync will ever write them: what a failed write leaves.
        case orphaned
    }

    /// Applies the sectors of a write that `sectors` picks.
    func apply(_ write: Write, _ fate: Fate, sectors: [Bool]? = nil) {
        let start: Int
        switch write.target {
        case .segment: start = write.position
        case .manifest(let slot): start = slot * Layout.manifestSlot + write.position
        }
        let count = write.bytes.count / Self.sector
        func store(_ file: inout File) {
            // As in any file system: a write behind the end makes the file longer.
            let missing = start + write.bytes.count - file.cache.count
            if missing > 0 { file.cache += [UInt8](repeating: 0, count: missing) }
            if sectors == nil, fate == .synced, file.beneath.isEmpty {
                file.cache.replaceSubrange(start..<start + write.bytes.count, with: write.bytes)
                return
            }
            for index in 0..<count where sectors?[index] ?? true {
                let from = index * Self.sector
                file.put(write.bytes[from..<from + Self.sector], at: start + from, fate)
            }
        }
        switch write.target {
        case .segment(let number):
            guard files[number] != nil else { return violate("a write to segment \(number)") }
            store(&files[number, default: File(size: 0)])
        case .manifest:
            guard manifest != nil else { return violate("a write to no MANIFEST") }
            store(&manifest[default: File(size: 0)])
        }
    }

    func violate(_ what: String) { violations.append(what) }

    /// Which of `count` sectors survive.
    func survivors(_ count: Int) -> [Bool] {
        let unit = tearsPages ? Layout.page / Self.sector : 1
        let units = (count + unit - 1) / unit
        let tear = Tear.allCases[Int(entropy.next() % 4)]
        let cut = Int(entropy.next() % UInt64(units + 1))
        let kept = (0..<units).map { index in
            switch tear {
            case .nothing: false
            case .everything: true
            case .prefix: index < cut
            case .random: entropy.next() % 2 == 0
            }
        }
        return (0..<count).map { kept[$0 / unit] }
    }

    /// How much of what was not synced reaches the medium when the power goes.
    private enum Tear: CaseIterable {
        case nothing, everything, prefix, random
    }

    /// Changes a segment behind everybody's back.
    package func edit(_ segment: UInt64, _ body: (inout [UInt8]) -> Void) {
        guard var file = files[segment] else { preconditionFailure("no segment \(segment)") }
        body(&file.cache)
        file.persist()
        files[segment] = file
    }

    // MARK: Ends of a process

    /// The process is killed; what the device took stays visible, synced or not.
    package func kill() {
        tally.kills += 1
        applyInFlight()
        restart()
    }

    /// The power goes: of what was not synced, any part survives.
    package func cutPower() {
        tally.powerCuts += 1
        applyInFlight()
        for (number, old) in replaced.sorted(by: { $0.key < $1.key }) where chance(1, of: 2) {
            files[number] = old
        }
        for number in files.keys.sorted() { files[number]?.settle(survivors) }
        manifest?.settle(survivors)
        restart()
    }

    private func applyInFlight() {
        guard let inFlight else { return }
        tally.count(.cutInsideWrite)
        apply(inFlight, .cached, sectors: survivors(inFlight.bytes.count / Self.sector))
    }

    private func restart() {
        if let preparing, chance(1, of: 2) { files[preparing.number] = File(size: preparing.size) }
        preparing = nil
        prepared = .none
        unnamed = [:]
        replaced = [:]
        inFlight = nil
        reads = []
        isLocked = false
        hasCrashed = false
        hasFailed = false
        hasWriteFailed = false
        wasRefusedRoom = false
        isServing = false
        operationsLeft = nil
    }

    /// No more faults, from now on.
    package func calm() {
        failuresPerThousand = 0
        readFailuresPerThousand = 0
        liesPercent = 0
        isFull = false
        obstacle = nil
        operationsLeft = nil
    }

    /// A checksum of everything on it.
    package var checksum: UInt64 {
        var hash = ContentHash()
        for number in files.keys.sorted() {
            guard let file = files[number] else { continue }
            hash.add(number)
            hash.add(UInt64(file.cache.count))
            hash.add(UInt64(file.cache.withUnsafeBytes { Checksum.crc32c($0) }))
            hash.add(UInt64(file.beneath.count))
        }
        if let manifest {
            hash.add(UInt64(manifest.cache.withUnsafeBytes { Checksum.crc32c($0) }))
        }
        return hash.value
    }
}

extension SimulatedDisk {
    /// A file: what programs see, and where the medium holds something else.
    package struct File: Equatable, Sendable {
        package var cache: [UInt8]
        /// What the medium holds in the sectors in which it differs.
        var beneath: [Int: [UInt8]] = [:]
        /// Of those, the sectors that a sync writes.
        var dirty: Set<Int> = []

        /// A file of zeros, durable.
        init(size: Int) { cache = [UInt8](repeating: 0, count: size) }

        mutating func put(_ bytes: ArraySlice<UInt8>, at position: Int, _ fate: Fate) {
            let sector = position / SimulatedDisk.sector
            let range = position..<position + SimulatedDisk.sector
            switch fate {
            case .synced:
                beneath[sector] = nil
                dirty.remove(sector)
            case .cached, .orphaned:
                if beneath[sector] == nil { beneath[sector] = Array(cache[range]) }
                if fate == .cached { dirty.insert(sector) }
            }
            cache.replaceSubrange(range, with: bytes)
        }

        /// Writes whole sectors into the cache; the file grows as needed.
        mutating func write(_ bytes: [UInt8], at position: Int) {
            let missing = position + bytes.count - cache.count
            if missing > 0 { cache += [UInt8](repeating: 0, count: missing) }
            for start in stride(from: 0, to: bytes.count, by: SimulatedDisk.sector) {
                put(bytes[start..<start + SimulatedDisk.sector], at: position + start, .cached)
            }
        }

        /// Puts on the medium what a sync puts there.
        package mutating func sync() {
            for sector in dirty { beneath[sector] = nil }
            dirty = []
        }

        /// Makes the medium hold what programs see.
        package mutating func persist() {
            beneath = [:]
            dirty = []
        }

        /// Keeps a part of what was not synced, and forgets the rest.
        mutating func settle(_ survivors: (Int) -> [Bool]) {
            guard !beneath.isEmpty else { return }
            let sectors = beneath.keys.sorted()
            // Torn pages are aligned: ask for all sectors of the file's part that differs.
            let first = sectors[0] & ~7
            let kept = survivors(sectors[sectors.count - 1] - first + 1)
            for sector in sectors where !(dirty.contains(sector) && kept[sector - first]) {
                let start = sector * SimulatedDisk.sector
                let range = start..<start + SimulatedDisk.sector
                if let old = beneath[sector] { cache.replaceSubrange(range, with: old) }
            }
            persist()
        }
    }
}

extension Optional {
    fileprivate subscript(default value: Wrapped) -> Wrapped {
        get { self ?? value }
        set { self = newValue }
    }
}
