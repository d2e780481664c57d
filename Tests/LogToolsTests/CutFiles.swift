import Disk
import Foundation
import LogTools

/// Files whose process can be cut off at any step, and what is left of them when the power goes
/// with it: bytes and names are on the medium only once they are synced.
final class CutFiles: Files {
    /// A file, whatever it is called: links share it.
    final class Node {
        var bytes: [UInt8]
        var platter: [UInt8]

        init(_ bytes: [UInt8]) {
            self.bytes = bytes
            platter = bytes
        }
    }

    let path = "cut"
    private(set) var names: [String: Node] = [:]
    /// The names that a power cut leaves.
    private var durable: [String: Node] = [:]
    private(set) var steps = 0
    /// The step that does not happen any more, nor any behind it.
    var lastStep = Int.max

    init(copying log: StoredLog) throws {
        for path in try log.segmentPaths {
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            names["log/\(path.split(separator: "/").last ?? "")"] = Node(bytes)
        }
        let manifest = try Data(contentsOf: URL(fileURLWithPath: "\(log.path)/MANIFEST"))
        names["MANIFEST"] = Node([UInt8](manifest))
        durable = names
    }

    private func step(_ name: String) throws(ToolError) {
        steps += 1
        if steps >= lastStep { throw ToolError(.notWritten, "cut off at \(name)") }
    }

    /// The power goes: of what is not synced, everything survives, or nothing.
    func cutPower(keeping everything: Bool) {
        if !everything {
            names = durable
            for node in names.values { node.bytes = node.platter }
        }
        durable = names
        for node in names.values { node.platter = node.bytes }
        lastStep = .max
    }

    func makeFolder(_ name: String) throws(ToolError) { try step(name) }

    func names(in folder: String) throws(ToolError) -> [String] {
        names.keys.filter { $0.hasPrefix("\(folder)/") }.map {
            String($0.dropFirst(folder.count + 1))
        }
        .sorted()
    }

    func link(_ name: String, as other: String) throws(ToolError) {
        try step(other)
        precondition(names[other] == nil, "\(other) is there")
        names[other] = names[name]
    }

    func create(_ name: String) throws(ToolError) {
        try step(name)
        names[name] = Node([])
    }

    func write(
        _ bytes: UnsafeRawBufferPointer,
        to name: String,
        at position: Int
    ) throws(ToolError) {
        try step(name)
        guard let node = names[name] else { throw ToolError(.notWritten, "\(name) is not there") }
        let missing = position + bytes.count - node.bytes.count
        if missing > 0 { node.bytes += [UInt8](repeating: 0, count: missing) }
        node.bytes.replaceSubrange(position..<position + bytes.count, with: bytes)
    }

    func sync(_ name: String) throws(ToolError) {
        try step(name)
        if let node = names[name] {
            node.platter = node.bytes
        } else {
            durable = durable.filter { !$0.key.hasPrefix("\(name)/") }
            for (other, node) in names where other.hasPrefix("\(name)/") { durable[other] = node }
        }
    }

    func rename(_ name: String, to other: String) throws(ToolError) {
        try step(other)
        names[other] = names.removeValue(forKey: name)
    }

    func protect(_ name: String) throws(ToolError) { try step(name) }

    func segment(_ name: String) throws(ToolError) -> LogSource {
        throw ToolError(.unreadable, "\(name): nothing is read back here")
    }

    func remove(_ name: String) throws(ToolError) {
        try step(name)
        names[name] = nil
    }
}

/// The segments among ``CutFiles``.
struct CutSource: SegmentSource {
    let files: CutFiles

    var path: String { files.path }

    func segments() -> [SegmentFile] {
        files.names.compactMap { name, node in
            guard name.hasPrefix("log/"), name.hasSuffix(".seg"),
                let number = UInt64(name.dropFirst(4).dropLast(4))
            else { return nil }
            return SegmentFile(number: number, size: node.bytes.count)
        }.sorted { $0.number < $1.number }
    }

    func read(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int {
        guard let node = files.names["log/\(DataDirectory.segmentName(segment))"] else {
            throw .system("open", path: "segment \(segment)", code: 2)
        }
        let end = min(position + memory.count, node.bytes.count)
        guard position < end else { return 0 }
        memory.copyBytes(from: node.bytes[position..<end])
        return end - position
    }

    func readManifest(slot: Int, into memory: UnsafeMutableRawBufferPointer) {
        guard let node = files.names["MANIFEST"] else { return }
        memory.copyBytes(from: node.bytes[slot * 4096..<slot * 4096 + 4096])
    }
}
