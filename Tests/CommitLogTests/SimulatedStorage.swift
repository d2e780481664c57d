import Disk

/// One process's view of a ``SimulatedDisk``.
struct SimulatedStorage: Storage, ~Copyable {
    let disk: SimulatedDisk

    init(_ disk: SimulatedDisk) { self.disk = disk }

    var backend: String { "simulated" }
    var path: String { "simulated" }

    func isInUse() throws(StorageError) -> Bool {
        try disk.operate()
        return disk.manifest != nil
    }

    func lock() throws(StorageError) {
        try disk.operate()
        guard !disk.isLocked else {
            throw .locked(path: path, holder: .init(pid: 1, host: "simulated"))
        }
        disk.isLocked = true
    }

    func arrange() throws(StorageError) {
        try disk.operate()
        guard disk.manifest == nil else { return }
        let zeros = [UInt8](repeating: 0, count: 8192)
        disk.manifest = SimulatedDisk.File(cache: zeros, platter: zeros)
    }

    func segments() throws(StorageError) -> [SegmentFile] {
        try disk.operate()
        return disk.files.keys.sorted().map { number in
            SegmentFile(number: number, size: disk.files[number]?.cache.count ?? 0)
        }
    }

    func read(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int {
        try disk.operate()
        guard let file = disk.files[segment] else {
            throw .system("open", path: "segment \(segment)", code: 2)
        }
        let end = min(position + memory.count, file.cache.count)
        guard position < end else { return 0 }
        file.cache.withUnsafeBytes { bytes in
            memory.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[position..<end]))
        }
        return end - position
    }

    func readManifest(
        slot: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) {
        try disk.operate()
        let bytes = disk.manifest?.cache ?? [UInt8](repeating: 0, count: 8192)
        memory.copyBytes(from: bytes[slot * 4096..<slot * 4096 + 4096])
    }

    func createSegment(_ number: UInt64, size: Int) throws(StorageError) {
        try disk.operate()
        let zeros = [UInt8](repeating: 0, count: size)
        disk.files[number] = SimulatedDisk.File(cache: zeros, platter: zeros)
    }

    func prepareSegment(_ number: UInt64, size: Int) {
        disk.preparing = (number, size)
        disk.prepared = .running(number)
    }

    func preparation() -> Preparation {
        guard let next = disk.preparing, disk.chance(1, of: 3) else { return disk.prepared }
        disk.preparing = nil
        if disk.isFull {
            disk.prepared = .failed(next.number, .noSpace(path: "simulated", code: 28))
        } else {
            let zeros = [UInt8](repeating: 0, count: next.size)
            disk.files[next.number] = SimulatedDisk.File(cache: zeros, platter: zeros)
            disk.prepared = .ready(next.number)
        }
        return disk.prepared
    }

    func removeSegment(_ number: UInt64) throws(StorageError) {
        try disk.operate()
        disk.files[number] = nil
    }

    func resizeSegment(_ number: UInt64, to size: Int) throws(StorageError) {
        try disk.operate()
        guard var file = disk.files[number] else { return }
        let missing = max(0, size - file.cache.count)
        file.cache = Array(file.cache.prefix(size)) + [UInt8](repeating: 0, count: missing)
        file.sync()
        disk.files[number] = file
    }

    func submit(
        _ bytes: UnsafeRawBufferPointer,
        to target: WriteTarget,
        at position: Int,
        ticket: UInt64
    ) throws(StorageError) {
        precondition(disk.inFlight == nil, "one unsynced write at a time")
        precondition(!disk.hasFailed, "nothing is written after a failed write")
        let write = SimulatedDisk.Write(
            bytes: [UInt8](bytes),
            target: target,
            position: position,
            ticket: ticket
        )
        disk.inFlight = write
        try disk.operate()
    }

    func reap() throws(StorageError) -> Completion? {
        guard disk.inFlight != nil else { return nil }
        try disk.operate()
        return disk.chance(disk.delayPercent, of: 100) ? nil : land()
    }

    private func land() -> Completion? {
        guard let write = disk.inFlight else { return nil }
        disk.inFlight = nil
        if disk.chance(disk.failuresPerThousand, of: 1000) {
            disk.applyTorn(write)
            disk.hasFailed = true
            let failure = StorageError.system("write", path: "simulated", code: 5)
            return Completion(ticket: write.ticket, failure: failure)
        }
        disk.apply(write, isSynced: true)
        return Completion(ticket: write.ticket, failure: nil)
    }

    func wait(nanoseconds: UInt64?) throws(StorageError) { try disk.operate() }

    func write(
        _ bytes: UnsafeRawBufferPointer,
        to target: WriteTarget,
        at position: Int
    ) throws(StorageError) {
        let write = SimulatedDisk.Write(
            bytes: [UInt8](bytes),
            target: target,
            position: position,
            ticket: 0
        )
        do throws(StorageError) {
            try disk.operate()
        } catch {
            disk.applyTorn(write)
            throw error
        }
        disk.apply(write, isSynced: true)
    }

    func sync(segment: UInt64) throws(StorageError) {
        try disk.operate()
        disk.files[segment]?.sync()
    }

    func release(segment: UInt64) {}
    func drain() {}
}
