import Disk
import Primitives

/// A disk that can fail: what programs see and what survives a power cut are kept apart, sector by
/// sector. It outlives the storages that are opened on it, as a disk does.
final class SimulatedDisk {
    static let sector = 512

    /// How much of what was not synced reaches the platter when the power goes.
    enum Tear: CaseIterable {
        case nothing, everything, prefix, random
    }

    struct File {
        var cache: [UInt8]
        var platter: [UInt8]
        /// Sectors in which the two differ.
        var dirty: Set<Int> = []
    }

    struct Write {
        let bytes: [UInt8]
        let target: WriteTarget
        let position: Int
        let ticket: UInt64
    }

    var files: [UInt64: File] = [:]
    var manifest: File?
    var isLocked = false
    var entropy: SeededEntropy
    var inFlight: Write?
    var preparing: (number: UInt64, size: Int)?
    var prepared: Preparation = .none

    // MARK: Faults to come

    /// Operations until the process is cut off; nil for never.
    var operationsLeft: Int?
    var hasCrashed = false
    /// In how many of a thousand completions the write fails.
    var failuresPerThousand: UInt64 = 0
    /// In how many of a hundred looks a write is still on its way.
    var delayPercent: UInt64 = 30
    /// Whether there is no room for another segment.
    var isFull = false
    var hasFailed = false
    private(set) var operations = 0

    init(seed: UInt64) { entropy = SeededEntropy(seed: seed) }

    func chance(_ count: UInt64, of total: UInt64) -> Bool { entropy.next() % total < count }

    /// Counts an operation, and ends the process in it when its time has come.
    func operate() throws(StorageError) {
        operations += 1
        guard !hasCrashed else { throw .system("crash", path: "simulated", code: 0) }
        guard let left = operationsLeft else { return }
        operationsLeft = left - 1
        guard left <= 0 else { return }
        hasCrashed = true
        throw .system("crash", path: "simulated", code: 0)
    }

    // MARK: Bytes

    func file(_ target: WriteTarget) -> File? {
        switch target {
        case .segment(let number): files[number]
        case .manifest: manifest
        }
    }

    /// Applies sectors of a write to what programs see, and to the platter when it is synced.
    func apply(_ write: Write, isSynced: Bool, sectors: (Int, Int) -> Bool = { _, _ in true }) {
        let start: Int
        switch write.target {
        case .segment: start = write.position
        case .manifest(let slot): start = slot * 4096 + write.position
        }
        guard var file = file(write.target) else { preconditionFailure("write to no file") }
        precondition(start + write.bytes.count <= file.cache.count, "write behind the end")
        switch write.target {
        case .segment(let number): files[number] = nil
        case .manifest: manifest = nil
        }
        let count = write.bytes.count / Self.sector
        for index in 0..<count where sectors(index, count) {
            let from = index * Self.sector
            let range = start + from..<start + from + Self.sector
            file.cache.replaceSubrange(range, with: write.bytes[from..<from + Self.sector])
            let sector = range.lowerBound / Self.sector
            if isSynced {
                file.platter.replaceSubrange(range, with: write.bytes[from..<from + Self.sector])
                file.dirty.remove(sector)
            } else {
                file.dirty.insert(sector)
            }
        }
        switch write.target {
        case .segment(let number): files[number] = file
        case .manifest: manifest = file
        }
    }

    /// Applies some of a write's sectors to what programs see only.
    func applyTorn(_ write: Write) {
        let tear = Tear.allCases[Int(entropy.next() % 4)]
        let cut = Int(entropy.next() % UInt64(write.bytes.count / Self.sector + 1))
        var entropy = SeededEntropy(seed: entropy.next())
        apply(write, isSynced: false) { index, _ in
            switch tear {
            case .nothing: false
            case .everything: true
            case .prefix: index < cut
            case .random: entropy.next() % 2 == 0
            }
        }
    }

    /// Changes a segment behind everybody's back.
    func edit(_ segment: UInt64, _ body: (inout [UInt8]) -> Void) {
        guard var file = files[segment] else { preconditionFailure("no segment \(segment)") }
        body(&file.cache)
        file.sync()
        files[segment] = file
    }

    // MARK: Ends of a process

    /// The process is killed; what the device took stays visible, synced or not.
    func kill() {
        if let inFlight { applyTorn(inFlight) }
        restart()
    }

    /// The power goes: of what was not synced, any part survives.
    func cutPower() {
        if let inFlight { applyTorn(inFlight) }
        for number in files.keys.sorted() { files[number]?.settle(&entropy) }
        manifest?.settle(&entropy)
        restart()
    }

    private func restart() {
        if let preparing, chance(1, of: 2) {
            let zeros = [UInt8](repeating: 0, count: preparing.size)
            files[preparing.number] = File(cache: zeros, platter: zeros)
        }
        preparing = nil
        prepared = .none
        inFlight = nil
        isLocked = false
        hasCrashed = false
        hasFailed = false
        operationsLeft = nil
    }
}

extension SimulatedDisk.File {
    /// Keeps a part of what was not synced, and forgets the rest.
    mutating func settle(_ entropy: inout SeededEntropy) {
        let tear = SimulatedDisk.Tear.allCases[Int(entropy.next() % 4)]
        let sectors = dirty.sorted()
        let cut = Int(entropy.next() % UInt64(sectors.count + 1))
        for (index, sector) in sectors.enumerated() {
            let survives =
                switch tear {
                case .nothing: false
                case .everything: true
                case .prefix: index < cut
                case .random: entropy.next() % 2 == 0
                }
            let start = sector * SimulatedDisk.sector
            let range = start..<start + SimulatedDisk.sector
            if survives {
                platter.replaceSubrange(range, with: cache[range])
            } else {
                cache.replaceSubrange(range, with: platter[range])
            }
        }
        dirty = []
    }

    mutating func sync() {
        platter = cache
        dirty = []
    }
}
