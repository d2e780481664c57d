import CPlatform
import Glibc
package import Primitives

/// The snapshots beside a log: `snap/N.snap`, N the offset up to which each was folded, 20 digits.
///
/// A snapshot can always be made again from the log. One that has its name is whole and durable;
/// whoever reads one still checks it, and goes without it when it is not.
package struct SnapshotFolder: Sendable {
    /// The data directory.
    private let root: String
    private var path: String { "\(root)/snap" }

    package init(dataDirectory: String) { root = dataDirectory }

    /// The name of a snapshot's file.
    package static func name(_ number: UInt64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: 20 - digits.count) + digits + ".snap"
    }

    private func openFolder() throws(StorageError) -> Descriptor {
        let options = [PLATFORM_OPEN_READ, PLATFORM_OPEN_DIRECTORY].map { Int($0) }
        return try Descriptor(path, options, path: path)
    }

    /// The numbers of the snapshots there are, the newest first; none where the folder is missing.
    package func numbers() throws(StorageError) -> [UInt64] {
        let folder: Descriptor
        do throws(StorageError) {
            folder = try openFolder()
        } catch .system(_, _, let code) where code == ENOENT {
            return []
        }
        return try list(folder.number, path).compactMap { found in
            guard found.hasSuffix(".snap"), let number = UInt64(found.dropLast(5)),
                Self.name(number) == found
            else { return nil }
            return number
        }
        .sorted(by: >)
    }

    /// When a snapshot was made; nil: it is not there.
    package func made(_ number: UInt64) throws(StorageError) -> Timestamp? {
        try modificationTime(of: "\(path)/\(Self.name(number))")
    }

    /// A snapshot, to be read.
    package func open(_ number: UInt64) throws(StorageError) -> StoredSnapshot {
        try StoredSnapshot("\(path)/\(Self.name(number))")
    }

    /// Begins a snapshot; nobody sees it before ``SnapshotFile/finish(head:)``.
    package func create(_ number: UInt64) throws(StorageError) -> SnapshotFile {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw .failed("create", path, errno)
        }
        return try SnapshotFile(folder: openFolder(), path: path, name: Self.name(number))
    }

    /// Removes the snapshots whose numbers are not wanted.
    package func keep(_ isWanted: (UInt64) -> Bool) throws(StorageError) {
        try remove(numbers().filter { !isWanted($0) }.map(Self.name))
    }

    /// Removes what a process left that ended while it made one.
    package func removeUnfinished() throws(StorageError) {
        let folder: Descriptor
        do throws(StorageError) {
            folder = try openFolder()
        } catch .system(_, _, let code) where code == ENOENT {
            return
        }
        try remove(list(folder.number, path).filter { $0.hasSuffix(".tmp") })
    }

    private func remove(_ names: [String]) throws(StorageError) {
        guard !names.isEmpty else { return }
        let folder = try openFolder()
        for name in names {
            guard unlinkat(folder.number, name, 0) == 0 else {
                throw .failed("remove", "\(path)/\(name)", errno)
            }
        }
    }
}

/// The file of a snapshot, open for reading.
package final class StoredSnapshot {
    private let file: Descriptor
    /// Bytes of the file.
    package let size: Int

    fileprivate init(_ path: String) throws(StorageError) {
        file = try Descriptor(path, [Int(PLATFORM_OPEN_READ)], path: path)
        size = Int(lseek(file.number, 0, SEEK_END))
        guard size >= 0 else { throw .failed("seek", path, errno) }
    }

    /// Fills `memory` with the bytes at `position`.
    ///
    /// - Returns: false when they are not all there, or the device does not give them.
    package func read(at position: Int, into memory: UnsafeMutableRawBufferPointer) -> Bool {
        platform_read(file.number, memory.baseAddress, memory.count, off_t(position))
            == memory.count
    }
}

/// A snapshot in the making: a head of one page, which is written last, and a body. Nothing is left
/// of one that is not finished: a disk that is full is the last place to leave something behind.
package final class SnapshotFile {
    private let folder: Descriptor
    private let file: Descriptor
    private let path: String
    private let name: String
    private var position = DataDirectory.page
    private var isFinished = false
    /// Why the last ``append(_:)`` failed.
    package private(set) var failure: StorageError?

    fileprivate init(folder: Descriptor, path: String, name: String) throws(StorageError) {
        self.folder = folder
        self.path = path
        self.name = name
        let options = [PLATFORM_OPEN_WRITE, PLATFORM_OPEN_CREATE, PLATFORM_OPEN_TRUNCATE]
        file = try Descriptor(
            "\(name).tmp",
            in: folder.number,
            options.map { Int($0) },
            path: "\(path)/\(name).tmp"
        )
    }

    deinit {
        if !isFinished { unlinkat(folder.number, "\(name).tmp", 0) }
    }

    /// Writes a part of the body.
    ///
    /// - Returns: false when it could not; ``failure`` says why.
    package func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
        do throws(StorageError) {
            try write(bytes, at: position)
            position += bytes.count
            return true
        } catch {
            failure = error
            return false
        }
    }

    /// Writes the head, makes all durable, and gives the file its name.
    package func finish(head: UnsafeRawBufferPointer) throws(StorageError) {
        precondition(head.count == DataDirectory.page)
        try write(head, at: 0)
        try file.sync("\(path)/\(name)")
        guard renameat(folder.number, "\(name).tmp", folder.number, name) == 0 else {
            throw .failed("rename", "\(path)/\(name)", errno)
        }
        isFinished = true
        try folder.sync(path)
    }

    private func write(_ bytes: UnsafeRawBufferPointer, at position: Int) throws(StorageError) {
        let result = platform_write_all(
            file.number,
            bytes.baseAddress,
            bytes.count,
            off_t(position)
        )
        try check(result, "write", "\(path)/\(name)")
    }
}
