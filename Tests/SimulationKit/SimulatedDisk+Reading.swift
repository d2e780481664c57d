import Disk
import Primitives
import RecordFormat

// What whoever reads the disk gets, the engine and the tools alike.

extension SimulatedDisk {
    func segments() throws(StorageError) -> [SegmentFile] {
        try operate()
        return files.keys.sorted().map { number in
            SegmentFile(number: number, size: files[number]?.cache.count ?? 0)
        }
    }

    func read(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int {
        try operate()
        let wanted = position..<position + memory.count
        let isBad = badBytes[segment]?.overlaps(wanted) ?? false
        if chance(readFailuresPerThousand, of: 1000) || isBad {
            throw fail(.readError, "read")
        }
        if isServing { tally.count(.readBack) }
        guard let file = files[segment] else {
            throw .system("open", path: "segment \(segment)", code: 2)
        }
        let end = min(position + memory.count, file.cache.count)
        guard position < end else { return 0 }
        file.cache.withUnsafeBytes { bytes in
            memory.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[position..<end]))
        }
        // A direct read writes dirty pages back first; where a failed write left clean ones that
        // the medium does not have, it shows the medium.
        guard !file.beneath.isEmpty, !Mutant.is(.recoveryFromCache) else { return end - position }
        for (sector, old) in file.beneath where !file.dirty.contains(sector) {
            let start = sector * SimulatedDisk.sector
            guard start >= position, start + SimulatedDisk.sector <= end else { continue }
            UnsafeMutableRawBufferPointer(rebasing: memory[(start - position)...])
                .copyBytes(from: old)
        }
        return end - position
    }

    func readManifest(
        slot: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) {
        try operate()
        let size = Layout.manifestSlot
        let bytes = manifest?.cache ?? [UInt8](repeating: 0, count: 2 * size)
        memory.copyBytes(from: bytes[slot * size..<(slot + 1) * size])
    }
}
