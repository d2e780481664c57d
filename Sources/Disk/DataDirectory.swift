import CPlatform
import Glibc

/// The files of one data directory: names, modes, lock, and the durability of their existence.
///
///     data/               0700
///       LOCK              0600  flock; says who holds it
///       MANIFEST          0600  two slots of 4096 bytes
///       log/N.seg         0600  N has 20 digits; N.seg.tmp is in the making
///                         0400  once it is sealed
///
/// Invariants:
/// * Nothing is touched before ``lock()``.
/// * Every creation, renaming and removal is followed by a sync of the folder.
///
/// One thread owns it; the segment made ahead is the maker's until it is ready. Without ``lock()``
/// it only reads: so does a tool that looks at the log of a running engine.
package final class DataDirectory {
    package let path: String
    private(set) var root: Descriptor?
    private var log: Descriptor?
    private var lockFile: Descriptor?
    private var manifest: Descriptor?
    /// The segments that are written, few at a time, with their paths: one is asked for with every
    /// write.
    private var writing: [UInt64: (file: Descriptor, path: String)] = [:]
    /// The segment read last.
    private var reading: (segment: UInt64, file: Descriptor)?
    private var maker: SegmentMaker?

    /// Whether each write is on the medium when it ends (`O_DSYNC`); else whoever writes syncs.
    private let writesThrough: Bool

    package init(path: String, writesThrough: Bool = true) {
        self.path = path
        self.writesThrough = writesThrough
    }

    deinit { maker?.cancel() }

    // MARK: Taking possession

    /// What may stand in a directory that is about to become a data directory.
    private static let neighbours: Set<String> = [
        "samples", "formats", ".gitignore", "README.md", "lost+found", "token", "LOCK",
    ]

    func isInUse() throws(StorageError) -> Bool {
        guard try openRoot() else { return false }
        let names = try list(rootNumber, path)
        if names.contains("MANIFEST") { return true }
        // A log that has lost it; but a copy that is not finished is none yet.
        if names.contains("log"), !names.contains(Self.partialManifest), try hasSegments() {
            return true
        }
        if let found = names.filter({ !Self.neighbours.contains($0) }).min() {
            throw .foreignDirectory(path: path, found: found)
        }
        return false
    }

    func lock() throws(StorageError) {
        if try !openRoot() {
            guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
                throw .failed("create", path, errno)
            }
            // It is a link to what is not there.
            guard try openRoot() else { throw .failed("follow", path, ENOENT) }
        }
        try Self.makePrivate(rootNumber, path)
        let name = "\(path)/LOCK"
        // LOCK can be removed under a running engine, the directory cannot: it is locked as well,
        // where its file system locks directories. And first, so that no LOCK is made for nobody.
        if platform_lock_exclusive(rootNumber) == -EWOULDBLOCK {
            let file = try? Descriptor("LOCK", in: rootNumber, [PLATFORM_OPEN_READ], path: name)
            throw .locked(path: path, holder: LockFile.holder(file?.number))
        }
        let options = [PLATFORM_OPEN_READ, PLATFORM_OPEN_WRITE, PLATFORM_OPEN_CREATE]
        let file = try Descriptor("LOCK", in: rootNumber, options.map { Int($0) }, path: name)
        let result = platform_lock_exclusive(file.number)
        if result == -EWOULDBLOCK {
            throw .locked(path: path, holder: LockFile.holder(file.number))
        }
        try check(result, "flock", name)
        try LockFile.write(to: file.number, path: name)
        lockFile = file
    }

    func arrange() throws(StorageError) {
        let name = "\(path)/MANIFEST"
        let options = writingOptions + [PLATFORM_OPEN_CREATE]
        let file = try Descriptor.direct("MANIFEST", in: rootNumber, options, path: name)
        try extend(file, to: 2 * DataDirectory.page, name)
        try file.sync(name)
        manifest = file
        if mkdirat(rootNumber, "log", 0o700) != 0, errno != EEXIST {
            throw .failed("create", "\(path)/log", errno)
        }
        try syncRoot()
        try openLog()
        var removed = false
        for name in try list(logNumber, "\(path)/log") where name.hasSuffix(".seg.tmp") {
            guard unlinkat(logNumber, name, 0) == 0 else {
                throw .failed("remove", "\(path)/log/\(name)", errno)
            }
            removed = true
        }
        if removed { try syncLog() }
    }

    // MARK: Reading

    func segments() throws(StorageError) -> [SegmentFile] {
        do throws(StorageError) {
            try openToRead()
        } catch .system(_, _, let code) where code == ENOENT {
            return []
        }
        var files: [SegmentFile] = []
        for name in try list(logNumber, "\(path)/log") {
            guard let number = Self.segmentNumber(name) else { continue }
            var status = stat()
            guard fstatat(logNumber, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
                throw .failed("stat", "\(path)/log/\(name)", errno)
            }
            guard status.st_mode & S_IFMT == S_IFREG else {
                throw .notAFile(path: "\(path)/log/\(name)")
            }
            files.append(SegmentFile(number: number, size: Int(status.st_size)))
        }
        return files.sorted { $0.number < $1.number }
    }

    func read(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int {
        let file = try readable(segment)
        return try check(
            platform_read(file.number, memory.baseAddress, memory.count, off_t(position)),
            "read",
            segmentPath(segment)
        )
    }

    /// The file that a segment is read from, for as long as nothing else is read.
    func readingDescriptor(_ segment: UInt64) throws(StorageError) -> (Int32, path: String) {
        (try readable(segment).number, segmentPath(segment))
    }

    func reopen(_ segment: UInt64) {
        if reading?.segment == segment { reading = nil }
    }

    func readManifest(
        slot: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) {
        precondition(memory.count == Self.page)
        let name = "\(path)/MANIFEST"
        let options = [PLATFORM_OPEN_READ]
        let file: Descriptor
        do throws(StorageError) {
            file = try Descriptor.direct("MANIFEST", in: rootNumber, options, path: name)
        } catch .system(_, _, let code) where code == ENOENT {
            // What is lost says as little as what is empty.
            memory.initializeMemory(as: UInt8.self, repeating: 0)
            return
        }
        let position = off_t(slot * Self.page)
        let count = try check(
            platform_read(file.number, memory.baseAddress, memory.count, position),
            "read",
            name
        )
        for index in count..<memory.count { memory[index] = 0 }
    }

    // MARK: Segments

    func createSegment(_ number: UInt64, size: Int) throws(StorageError) {
        try SegmentMaker.make(number, size: size, in: logNumber, path: path)
    }

    func prepareSegment(_ number: UInt64, size: Int, waker: Waker) {
        let maker = self.maker ?? SegmentMaker(log: logNumber, path: path, waker: waker)
        self.maker = maker
        // One that could only not be opened is there.
        guard maker.preparation != .ready(number) else { return }
        maker.start(number, size: size)
    }

    /// What is ready is open as well: when the log needs it, there may be no descriptor left.
    func preparation() -> Preparation {
        let made = maker?.preparation ?? .none
        guard case .ready(let number) = made else { return made }
        do throws(StorageError) {
            _ = try writable(number)
            return made
        } catch {
            return .failed(number, error)
        }
    }

    func removeSegment(_ number: UInt64) throws(StorageError) {
        if reading?.segment == number { reading = nil }
        writing[number] = nil
        guard unlinkat(logNumber, Self.segmentName(number), 0) == 0 else {
            throw .failed("remove", segmentPath(number), errno)
        }
        try syncLog()
    }

    func resizeSegment(_ number: UInt64, to size: Int) throws(StorageError) {
        let (file, name) = try writable(number)
        let current = lseek(file.number, 0, SEEK_END)
        guard current >= 0 else { throw .failed("seek", name, errno) }
        if current > off_t(size) {
            guard ftruncate(file.number, off_t(size)) == 0 else {
                throw .failed("truncate", name, errno)
            }
        }
        try extend(file, to: size, name)
        try file.sync(name)
    }

    func sync(segment: UInt64) throws(StorageError) {
        let file = try readable(segment)
        try file.sync(segmentPath(segment))
        platform_drop_cache(file.number)
    }

    func release(segment: UInt64) {
        writing[segment] = nil
        // A guard against accidents: where a file system has no modes, all is well without.
        _ = fchmodat(logNumber, Self.segmentName(segment), 0o400, 0)
    }

    func write(
        _ bytes: UnsafeRawBufferPointer,
        to target: WriteTarget,
        at position: Int
    ) throws(StorageError) {
        let (number, name) = try descriptor(for: target)
        let start = offset(of: target, position)
        let result = platform_write_all(number, bytes.baseAddress, bytes.count, off_t(start))
        try check(result, "write", name)
        guard writesThrough || fdatasync(number) == 0 else {
            throw .failed("fdatasync", name, errno)
        }
    }

    /// The descriptor that writes go to, and the file's name for messages.
    func descriptor(for target: WriteTarget) throws(StorageError) -> (Int32, path: String) {
        switch target {
        case .segment(let number):
            let (file, path) = try writable(number)
            return (file.number, path)
        case .manifest:
            guard let number = manifest?.number else { preconditionFailure("arrange() first") }
            return (number, "\(path)/MANIFEST")
        }
    }

    /// Where in its file a write to `target` lands.
    func offset(of target: WriteTarget, _ position: Int) -> Int {
        switch target {
        case .segment: position
        case .manifest(let slot): slot * Self.page + position
        }
    }
}

extension DataDirectory {
    static let page = 4096

    /// What MANIFEST is called until the segments of a copy are in their place.
    package static let partialManifest = "MANIFEST.partial"

    package static func segmentName(_ number: UInt64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: 20 - digits.count) + digits + ".seg"
    }

    /// Nil for a name that ``segmentName(_:)`` does not give.
    static func segmentNumber(_ name: String) -> UInt64? {
        guard name.hasSuffix(".seg"), name.utf8.count == 24,
            let number = UInt64(name.dropLast(4)), segmentName(number) == name,
            // There is one behind it.
            number < .max
        else { return nil }
        return number
    }

    func segmentPath(_ number: UInt64) -> String { "\(path)/log/\(Self.segmentName(number))" }
}

extension DataDirectory {
    private var rootNumber: Int32 {
        guard let number = root?.number else { preconditionFailure("the directory is not open") }
        return number
    }

    private var logNumber: Int32 {
        guard let number = log?.number else { preconditionFailure("the log folder is not open") }
        return number
    }

    /// False when there is no such directory.
    private func openRoot() throws(StorageError) -> Bool {
        if root != nil { return true }
        do throws(StorageError) {
            let options = [PLATFORM_OPEN_READ, PLATFORM_OPEN_DIRECTORY, PLATFORM_OPEN_FOLLOW]
            root = try Descriptor(path, options, path: path)
            return true
        } catch .system(_, _, let code) where code == ENOENT {
            return false
        }
    }

    private func openToRead() throws(StorageError) {
        guard log == nil else { return }
        guard try openRoot() else { throw .failed("open", path, ENOENT) }
        try openLog()
    }

    private func openLog() throws(StorageError) {
        let options = [PLATFORM_OPEN_READ, PLATFORM_OPEN_DIRECTORY]
        log = try Descriptor("log", in: rootNumber, options, path: "\(path)/log")
    }

    private func readable(_ number: UInt64) throws(StorageError) -> Descriptor {
        if let reading, reading.segment == number { return reading.file }
        try openToRead()
        let file = try Descriptor.direct(
            Self.segmentName(number),
            in: logNumber,
            [PLATFORM_OPEN_READ],
            path: segmentPath(number)
        )
        reading = (number, file)
        return file
    }

    private var writingOptions: [Int] {
        let both = [PLATFORM_OPEN_READ, PLATFORM_OPEN_WRITE]
        return writesThrough ? both + [PLATFORM_OPEN_DSYNC] : both
    }

    private func writable(
        _ number: UInt64
    ) throws(StorageError) -> (file: Descriptor, path: String) {
        if let known = writing[number] { return known }
        let name = Self.segmentName(number)
        let path = segmentPath(number)
        // A segment whose seal was lost is written to again.
        if faccessat(logNumber, name, W_OK, 0) != 0, errno == EACCES {
            guard fchmodat(logNumber, name, 0o600, 0) == 0 else {
                throw .failed("chmod 600", path, errno)
            }
        }
        let file = try Descriptor.direct(name, in: logNumber, writingOptions, path: path)
        writing[number] = (file, path)
        return (file, path)
    }

    /// Fills a file with zeros from its end to `size`.
    private func extend(
        _ file: Descriptor,
        to size: Int,
        _ name: String
    ) throws(StorageError) {
        let current = lseek(file.number, 0, SEEK_END)
        guard current >= 0 else { throw .failed("seek", name, errno) }
        // A file cut at an odd place is cut back to a whole page: direct writes know no other.
        var position = Int(current) & ~(Self.page - 1)
        guard position < size else { return }
        if position < Int(current), ftruncate(file.number, off_t(position)) != 0 {
            throw .failed("truncate", name, errno)
        }
        let zeros = Zeros()
        while position < size {
            let count = min(Zeros.count, size - position)
            let result = platform_write_all(file.number, zeros.start, count, off_t(position))
            try check(result, "write", name)
            position += count
        }
    }

    private func syncRoot() throws(StorageError) {
        guard fsync(rootNumber) == 0 else { throw .failed("fsync", path, errno) }
    }

    private func syncLog() throws(StorageError) {
        guard fsync(logNumber) == 0 else { throw .failed("fsync", "\(path)/log", errno) }
    }
}
