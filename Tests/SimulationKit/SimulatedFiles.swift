import Disk
import LogTools
import RecordFormat

/// What the file thread and the tools change on a ``SimulatedDisk``: new segments under names of
/// their own, which then take the place of others.
///
/// A file's bytes survive a power cut once they are synced, a name once its folder is.
final class SimulatedFiles: Files {
    private let disk: SimulatedDisk

    init(_ disk: SimulatedDisk) { self.disk = disk }

    var path: String { "simulated" }

    /// A step at which the process may end.
    private func step() throws(ToolError) {
        do throws(StorageError) {
            try disk.operate()
        } catch {
            throw ToolError(.notWritten, error.description)
        }
    }

    private func segment(_ name: String) -> UInt64? {
        guard name.hasPrefix("log/"), name.hasSuffix(".seg") else { return nil }
        return UInt64(name.dropFirst(4).dropLast(4))
    }

    func makeFolder(_ name: String) throws(ToolError) { try step() }

    /// Nothing is kept in other folders.
    func names(in folder: String) throws(ToolError) -> [String] { [] }

    /// What is kept aside is not looked at any more.
    func link(_ name: String, as other: String) throws(ToolError) { try step() }

    func create(_ name: String) throws(ToolError) {
        try step()
        disk.unnamed[name] = SimulatedDisk.File(size: 0)
    }

    func write(
        _ bytes: UnsafeRawBufferPointer,
        to name: String,
        at position: Int
    ) throws(ToolError) {
        try step()
        let bytes = [UInt8](bytes)
        if name == "MANIFEST" {
            disk.manifest?.write(bytes, at: position)
        } else {
            disk.unnamed[name]?.write(bytes, at: position)
        }
    }

    func sync(_ name: String) throws(ToolError) {
        try step()
        switch name {
        case "MANIFEST": disk.manifest?.sync()
        case "log": disk.replaced = [:]
        default:
            if let segment = segment(name) { disk.files[segment]?.sync() }
            disk.unnamed[name]?.sync()
        }
    }

    func rename(_ name: String, to other: String) throws(ToolError) {
        try step()
        guard let segment = segment(other), let file = disk.unnamed.removeValue(forKey: name) else {
            throw ToolError(.notWritten, "\(name) cannot be renamed to \(other)")
        }
        if disk.replaced[segment] == nil { disk.replaced[segment] = .some(disk.files[segment]) }
        disk.files[segment] = file
    }

    func protect(_ name: String) throws(ToolError) { try step() }

    func remove(_ name: String) throws(ToolError) {
        try step()
        disk.unnamed[name] = nil
    }

    func segment(_ name: String) throws(ToolError) -> LogSource {
        LogSource(SimulatedPiece(disk, name))
    }

    func random() -> UInt64 { disk.entropy.next() }
}

/// One file of a ``SimulatedDisk`` that has no segment's name yet, as a log of one segment.
private struct SimulatedPiece: SegmentSource {
    private let disk: SimulatedDisk
    private let name: String

    init(_ disk: SimulatedDisk, _ name: String) {
        self.disk = disk
        self.name = name
    }

    var path: String { "simulated" }

    private var bytes: [UInt8] { disk.unnamed[name]?.cache ?? [] }

    func segments() throws(StorageError) -> [SegmentFile] {
        try disk.operate()
        guard let number = number else { return [] }
        return [SegmentFile(number: number, size: bytes.count)]
    }

    /// As its header says.
    private var number: UInt64? {
        guard bytes.count >= Layout.page else { return nil }
        return bytes.withUnsafeBytes {
            let page = UnsafeRawBufferPointer(rebasing: $0[..<Layout.page])
            guard case .valid(let header) = SegmentHeader.read(page) else { return nil }
            return header.number
        }
    }

    func read(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int {
        try disk.operate()
        let bytes = bytes
        let end = min(position + memory.count, bytes.count)
        guard position < end else { return 0 }
        memory.copyBytes(from: bytes[position..<end])
        return end - position
    }

    func readManifest(slot: Int, into memory: UnsafeMutableRawBufferPointer) {
        memory.initializeMemory(as: UInt8.self, repeating: 0)
    }
}

/// The segments of a ``SimulatedDisk``, for tools that copy their source.
struct SimulatedSource: SegmentSource {
    private let disk: SimulatedDisk

    init(_ disk: SimulatedDisk) { self.disk = disk }

    var path: String { "simulated" }

    func segments() throws(StorageError) -> [SegmentFile] {
        try disk.segments()
    }

    func read(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int {
        try disk.read(segment: segment, at: position, into: memory)
    }

    func readManifest(
        slot: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) {
        try disk.readManifest(slot: slot, into: memory)
    }
}
