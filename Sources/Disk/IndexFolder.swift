import CPlatform
import Glibc
package import Primitives

/// The indexes beside a log: `idx/N.idx`, N the number of the segment, 20 digits.
///
/// An index can always be made again from its segment, and whoever reads one goes without it when
/// it is missing, damaged, or of another segment. The time of the file is when its segment was last
/// read whole and found sound.
package struct IndexFolder: Sendable {
    /// The data directory.
    private let root: String
    private var path: String { "\(root)/idx" }

    package init(dataDirectory: String) { root = dataDirectory }

    private static let suffix = ".idx"

    private func name(_ number: UInt64) -> String {
        String(DataDirectory.segmentName(number).dropLast(4)) + Self.suffix
    }

    private func open() throws(StorageError) -> Descriptor {
        let options = [PLATFORM_OPEN_READ, PLATFORM_OPEN_DIRECTORY].map { Int($0) }
        return try Descriptor(path, options, path: path)
    }

    private func open(_ number: UInt64) throws(StorageError) -> Descriptor {
        let full = "\(path)/\(name(number))"
        return try Descriptor(full, [Int(PLATFORM_OPEN_READ)], path: full)
    }

    /// The numbers of the segments that have a file here, ascending; none where the folder is
    /// missing.
    package func numbers() throws(StorageError) -> [UInt64] {
        let folder: Descriptor
        do throws(StorageError) {
            folder = try open()
        } catch .system(_, _, let code) where code == ENOENT {
            return []
        }
        return try list(folder.number, path).compactMap { found in
            guard found.hasSuffix(Self.suffix), let number = UInt64(found.dropLast(4)),
                name(number) == found
            else { return nil }
            return number
        }
        .sorted()
    }

    /// Bytes of an index, fewer than asked for at its end.
    ///
    /// - Throws: what the system says, of a missing file as well.
    package func read(
        _ number: UInt64,
        at position: Int,
        count: Int
    ) throws(StorageError) -> [UInt8] {
        let file = try open(number)
        var bytes = [UInt8](repeating: 0, count: count)
        let got = bytes.withUnsafeMutableBytes {
            platform_read(file.number, $0.baseAddress, $0.count, off_t(position))
        }
        bytes.removeSubrange(try check(got, "read", "\(path)/\(name(number))")...)
        return bytes
    }

    /// When the segment of an index was last found sound; nil: there is none.
    package func verified(_ number: UInt64) throws(StorageError) -> Timestamp? {
        try modificationTime(of: "\(path)/\(name(number))")
    }

    // MARK: Writing

    /// Writes the index of a segment that was found sound at `time`, in one step: on the medium on
    /// return.
    package func write(
        _ number: UInt64,
        _ bytes: [UInt8],
        verified time: Timestamp
    ) throws(StorageError) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw .failed("create", path, errno)
        }
        let folder = try open()
        let name = name(number)
        let temporary = "\(name).tmp"
        let full = "\(path)/\(temporary)"
        do throws(StorageError) {
            try Self.write(bytes, to: temporary, in: folder, verified: time, full)
            guard renameat(folder.number, temporary, folder.number, name) == 0 else {
                throw .failed("rename", "\(path)/\(name)", errno)
            }
        } catch {
            // A disk that is full is the last place to leave something behind.
            unlinkat(folder.number, temporary, 0)
            throw error
        }
        try folder.sync(path)
    }

    private static func write(
        _ bytes: [UInt8],
        to name: String,
        in folder: Descriptor,
        verified time: Timestamp,
        _ path: String
    ) throws(StorageError) {
        let options = [PLATFORM_OPEN_WRITE, PLATFORM_OPEN_CREATE, PLATFORM_OPEN_TRUNCATE]
        let file = try Descriptor(name, in: folder.number, options.map { Int($0) }, path: path)
        let result = bytes.withUnsafeBytes {
            platform_write_all(file.number, $0.baseAddress, $0.count, 0)
        }
        try check(result, "write", path)
        try setTime(of: file, time, path)
        try file.sync(path)
    }

    /// Notes that the segment of an index was found sound at `time`.
    package func note(_ number: UInt64, verified time: Timestamp) throws(StorageError) {
        try Self.setTime(of: open(number), time, "\(path)/\(name(number))")
    }

    private static func setTime(
        of file: Descriptor,
        _ time: Timestamp,
        _ path: String
    ) throws(StorageError) {
        let second: Int64 = 1_000_000_000
        let value = timespec(
            tv_sec: Int(time.nanoseconds / second),
            tv_nsec: Int(time.nanoseconds % second)
        )
        guard futimens(file.number, [value, value]) == 0 else {
            throw .failed("set the time of", path, errno)
        }
    }

    /// Removes the indexes of other segments than `segments`, and what an interrupted attempt left.
    package func keep(_ segments: Set<UInt64>) throws(StorageError) {
        let numbers = try numbers()
        guard !numbers.isEmpty else { return }
        let folder = try open()
        let old = numbers.filter { !segments.contains($0) }.map(name)
        let left = try list(folder.number, path).filter { $0.hasSuffix(".tmp") }
        for name in old + left {
            guard unlinkat(folder.number, name, 0) == 0 else {
                throw .failed("remove", "\(path)/\(name)", errno)
            }
        }
    }
}
