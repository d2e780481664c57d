package import Disk
import Primitives
import RecordFormat

/// One process's view of a ``SimulatedDisk``.
package struct SimulatedStorage: Storage, ~Copyable {
    package let disk: SimulatedDisk

    package init(_ disk: SimulatedDisk) { self.disk = disk }

    package var backend: String { "simulated" }
    package var path: String { "simulated" }

    package func isInUse() throws(StorageError) -> Bool {
        try disk.operate()
        return disk.manifest != nil
    }

    package func lock() throws(StorageError) {
        try disk.operate()
        guard !disk.isLocked else {
            throw .locked(path: path, holder: .init(pid: 1, host: "simulated"))
        }
        disk.isLocked = true
    }

    package func arrange() throws(StorageError) {
        try disk.operate {
            guard disk.manifest == nil else { return }
            disk.manifest = SimulatedDisk.File(size: 2 * Layout.manifestSlot)
        }
    }

    // MARK: Reading

    package func segments() throws(StorageError) -> [SegmentFile] { try disk.segments() }

    package func read(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int {
        try disk.read(segment: segment, at: position, into: memory)
    }

    package func submitRead(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer,
        ticket: UInt64
    ) throws(StorageError) {
        // Memory is filled at once, and the read is reported at some later time.
        do throws(StorageError) {
            let count = try read(segment: segment, at: position, into: memory)
            disk.reads.append(Completion(ticket: ticket, failure: nil, count: count))
        } catch  where !disk.hasCrashed {
            disk.reads.append(Completion(ticket: ticket, failure: error))
        }
    }

    package func readManifest(
        slot: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) {
        try disk.readManifest(slot: slot, into: memory)
    }

    // MARK: Segments

    package func createSegment(_ number: UInt64, size: Int) throws(StorageError) {
        try disk.operate { disk.files[number] = SimulatedDisk.File(size: size) }
    }

    package func prepareSegment(_ number: UInt64, size: Int) {
        disk.preparing = (number, size)
        disk.prepared = .running(number)
    }

    package func preparation() -> Preparation {
        guard let next = disk.preparing, disk.chance(1, of: 3) else { return disk.prepared }
        disk.preparing = nil
        if disk.isFull {
            disk.tally.count(.noSpace)
            disk.wasRefusedRoom = true
            disk.prepared = .failed(next.number, .noSpace(path: "simulated", code: 28))
        } else if let obstacle = disk.obstacle {
            disk.prepared = .failed(next.number, obstacle)
        } else {
            if disk.wasRefusedRoom { disk.tally.count(.fullResume) }
            disk.wasRefusedRoom = false
            disk.files[next.number] = SimulatedDisk.File(size: next.size)
            disk.prepared = .ready(next.number)
        }
        return disk.prepared
    }

    package func removeSegment(_ number: UInt64) throws(StorageError) {
        try disk.operate { disk.files[number] = nil }
    }

    package func resizeSegment(_ number: UInt64, to size: Int) throws(StorageError) {
        try disk.operate {
            guard var file = disk.files[number] else { return }
            let missing = max(0, size - file.cache.count)
            file.cache = Array(file.cache.prefix(size)) + [UInt8](repeating: 0, count: missing)
            file.persist()
            disk.files[number] = file
        }
    }

    // MARK: Writing

    package func submit(
        _ bytes: UnsafeRawBufferPointer,
        to target: WriteTarget,
        at position: Int,
        ticket: UInt64
    ) throws(StorageError) {
        if disk.inFlight != nil { disk.violate("two unsynced writes at a time") }
        if disk.hasWriteFailed { disk.violate("a write after a failed one") }
        disk.note(bytes, target, position)
        disk.inFlight = SimulatedDisk.Write(
            bytes: [UInt8](bytes),
            target: target,
            position: position,
            ticket: ticket
        )
        try disk.operate()
    }

    package func reap() throws(StorageError) -> Completion? {
        guard disk.inFlight != nil || !disk.reads.isEmpty else { return nil }
        try disk.operate()
        if !disk.reads.isEmpty, disk.chance(1, of: 2) {
            let any = Int(disk.entropy.next() % UInt64(disk.reads.count))
            return disk.reads.remove(at: any)
        }
        guard disk.inFlight != nil else { return nil }
        if disk.chance(disk.delayPercent, of: 100) {
            disk.tally.count(.delay)
            return nil
        }
        return land()
    }

    private func land() -> Completion? {
        guard let write = disk.inFlight else { return nil }
        disk.inFlight = nil
        guard disk.chance(disk.failuresPerThousand, of: 1000) else {
            disk.apply(write, lies() ? .cached : .synced)
            return Completion(ticket: write.ticket, failure: nil)
        }
        disk.hasWriteFailed = true
        let count = write.bytes.count / SimulatedDisk.sector
        if disk.chance(1, of: 4) {
            // The device took the beginning only.
            let taken = Int(disk.entropy.next() % UInt64(count))
            disk.apply(write, .synced, sectors: (0..<count).map { $0 < taken })
            disk.tally.count(.shortWrite)
            disk.hasFailed = true
            let failure = StorageError.shortWrite(
                path: "simulated",
                expected: write.bytes.count,
                written: taken * SimulatedDisk.sector
            )
            return Completion(ticket: write.ticket, failure: failure)
        }
        let reached = disk.survivors(count)
        if disk.chance(2, of: 3) { disk.apply(write, .orphaned) }
        disk.apply(write, .synced, sectors: reached)
        let failure = disk.fail(.writeError, "write")
        return Completion(ticket: write.ticket, failure: failure)
    }

    private func lies() -> Bool {
        guard disk.chance(disk.liesPercent, of: 100) else { return false }
        disk.tally.count(.lyingFlush)
        return true
    }

    package func wait(nanoseconds: UInt64?) throws(StorageError) {
        try disk.operate()
        disk.waited += min(nanoseconds ?? .max, disk.inFlight == nil ? 1_000_000_000 : 50_000)
        guard disk.isFull, let left = disk.waitsUntilRoom else { return }
        disk.waitsUntilRoom = left - 1
        if left <= 0 { disk.isFull = false }
    }

    package func write(
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
        let hadCrashed = disk.hasCrashed
        do throws(StorageError) {
            try disk.operate()
        } catch {
            if !hadCrashed {
                disk.tally.count(.cutInsideWrite)
                let count = bytes.count / SimulatedDisk.sector
                disk.apply(write, .cached, sectors: disk.survivors(count))
            }
            throw error
        }
        if case .segment = target, isZero(bytes) { disk.tally.count(.zeroedTail) }
        disk.apply(write, lies() ? .cached : .synced)
    }

    package func sync(segment: UInt64) throws(StorageError) {
        try disk.operate()
        guard !lies(), let file = disk.files[segment] else { return }
        if !file.dirty.isEmpty { disk.tally.count(.tailSynced) }
        disk.files[segment]?.sync()
    }

    package func release(segment: UInt64) {}
    package func drain() {}
}
