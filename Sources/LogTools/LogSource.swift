package import Disk
import Glibc
import Primitives
import RecordFormat

/// Where a log is read from.
package enum LogLocation: Sendable {
    /// A data directory, in use by an engine or not.
    case directory(String)
    /// Segment files, in any order, from anywhere.
    case files([String])
    /// What a running engine hands out, of files that cannot be read from here.
    case distant(DistantLog)
}

/// The segments of a ``LogLocation``, for reading only.
package struct LogSource: SegmentSource {
    private let origin: Origin
    /// Whether what the medium does not give reads as damage, rather than fails.
    private var isSalvaging = false
    /// Hears of every read; nil: nobody wants to know.
    private var meter: ReadMeter?

    private enum Origin {
        case directory(OpenDirectory)
        case ahead(OpenAhead)
        case files([UInt64: SegmentPath])
        case other(any SegmentSource)
    }

    /// A class, so that the source can be copied into one reader after the other.
    private final class OpenDirectory {
        let directory: ReadOnlyDirectory
        init(path: String) { directory = ReadOnlyDirectory(path: path) }
    }

    private final class OpenAhead {
        let directory: ReadAheadDirectory
        init(path: String) { directory = ReadAheadDirectory(path: path) }
    }

    private struct SegmentPath {
        let path: String
        let size: Int
    }

    /// - Throws: ``ToolError`` when there is nothing that could be a log.
    package init(_ location: LogLocation) throws(ToolError) {
        switch location {
        case .directory(let path): origin = .directory(try Self.open(path))
        case .files(let paths): origin = .files(try Self.open(paths))
        case .distant(let log): origin = .other(log)
        }
    }

    /// Segments that are kept somewhere else.
    package init(_ source: any SegmentSource) { origin = .other(source) }

    private init(_ origin: Origin) { self.origin = origin }

    /// The same segments, for whoever passes over all of them on this thread: the device reads
    /// ahead meanwhile, where it can.
    func readingAhead() -> LogSource {
        guard case .directory(let open) = origin else { return self }
        var source = LogSource(.ahead(OpenAhead(path: open.directory.path)))
        source.meter = meter
        return source
    }

    /// The same segments; `meter` hears of every read of them.
    func metered(_ meter: ReadMeter) -> LogSource {
        var source = self
        source.meter = meter
        return source
    }

    /// The same segments, for whoever names what is damaged and goes on behind it: a page that the
    /// medium does not give reads as 0xFF, which is neither a header nor the zeros that a log ends
    /// with.
    func salvaging() -> LogSource {
        var source = self
        source.isSalvaging = true
        return source
    }

    package var path: String {
        switch origin {
        case .other(let source): source.path
        case .ahead(let open): open.directory.path
        case .directory(let open): open.directory.path
        case .files(let files): files.values.first?.path ?? ""
        }
    }

    package func segments() throws(StorageError) -> [SegmentFile] {
        switch origin {
        case .directory(let open):
            return try open.directory.segments()
        case .ahead(let open):
            return try open.directory.segments()
        case .other(var source):
            return try source.segments()
        case .files(let files):
            return files.map { SegmentFile(number: $0.key, size: $0.value.size) }
                .sorted { $0.number < $1.number }
        }
    }

    package func read(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int {
        let count: Int
        do throws(StorageError) {
            count = try load(segment, position, memory)
        } catch {
            guard isSalvaging, error.isOfMedium else { throw error }
            count = try loadPages(segment, position, memory)
        }
        meter?.passed(segment, to: position + count)
        return count
    }

    private func loadPages(
        _ segment: UInt64,
        _ position: Int,
        _ memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int {
        var done = 0
        while done < memory.count {
            let end = min(done + Layout.page, memory.count)
            let page = UnsafeMutableRawBufferPointer(rebasing: memory[done..<end])
            do throws(StorageError) {
                let count = try load(segment, position + done, page)
                done += count
                if count < page.count { return done }
            } catch {
                guard error.isOfMedium else { throw error }
                page.initializeMemory(as: UInt8.self, repeating: 0xFF)
                done = end
            }
        }
        return done
    }

    private func load(
        _ segment: UInt64,
        _ position: Int,
        _ memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int {
        switch origin {
        case .directory(let open):
            return try open.directory.read(segment: segment, at: position, into: memory)
        case .ahead(let open):
            return try open.directory.read(segment: segment, at: position, into: memory)
        case .other(var source):
            return try source.read(segment: segment, at: position, into: memory)
        case .files(let files):
            guard let path = files[segment]?.path else { return 0 }
            return try Self.read(path, at: position, into: memory)
        }
    }

    package func reopen(segment: UInt64) {
        switch origin {
        case .directory(let open): open.directory.reopen(segment: segment)
        case .ahead(let open): open.directory.reopen(segment: segment)
        case .other(var source): source.reopen(segment: segment)
        case .files: break
        }
    }

    package func lookAgain() {
        switch origin {
        case .ahead(let open): open.directory.lookAgain()
        case .other(var source): source.lookAgain()
        case .directory, .files: break
        }
    }

    package func readManifest(
        slot: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) {
        memory.initializeMemory(as: UInt8.self, repeating: 0)
        if case .other(var source) = origin {
            return try source.readManifest(slot: slot, into: memory)
        }
        switch origin {
        case .directory(let open):
            try open.directory.readManifest(slot: slot, into: memory)
        case .ahead(let open):
            try open.directory.readManifest(slot: slot, into: memory)
        case .files, .other: break
        }
    }

    // MARK: Opening

    private static func open(_ path: String) throws(ToolError) -> OpenDirectory {
        let open = OpenDirectory(path: path)
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw ToolError(
                .noSuchLog,
                "\(path): \(String(cString: strerror(errno))); name the engine's data directory "
                    + "with -D, or segment files with --file"
            )
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw ToolError(.noSuchLog, "\(path) is no directory; for a segment file, use --file")
        }
        let isEmpty: Bool
        do throws(StorageError) {
            isEmpty = try open.directory.segments().isEmpty
        } catch {
            throw ToolError(.unreadable, error.description)
        }
        guard !isEmpty || access("\(path)/MANIFEST", F_OK) == 0 else {
            throw ToolError(
                .foreignDirectory,
                "\(path) is not an engine's data directory: it has neither MANIFEST nor segments "
                    + "in log/; name another with -D"
            )
        }
        return open
    }

    private static func open(_ paths: [String]) throws(ToolError) -> [UInt64: SegmentPath] {
        var files: [UInt64: SegmentPath] = [:]
        for path in paths {
            let page = AlignedMemory(capacity: Layout.page)
            var status = stat()
            guard stat(path, &status) == 0 else {
                throw ToolError(.noSuchLog, "\(path): \(String(cString: strerror(errno)))")
            }
            do throws(StorageError) {
                let count = try read(path, at: 0, into: page.bytes)
                page.bytes[count...].initializeMemory(as: UInt8.self, repeating: 0)
            } catch {
                throw ToolError(.unreadable, error.description)
            }
            let number = try number(of: path, page.prefix(Layout.page))
            if let other = files[number] {
                throw ToolError(
                    .foreignDirectory,
                    "\(path) and \(other.path) are both segment \(number); name one of them"
                )
            }
            files[number] = SegmentPath(path: path, size: Int(status.st_size))
        }
        return files
    }

    /// What the segment's header says, and else its name.
    private static func number(
        of path: String,
        _ page: UnsafeRawBufferPointer
    ) throws(ToolError) -> UInt64 {
        switch SegmentHeader.read(page) {
        case .valid(let header):
            return header.number
        case .refused(let refusal):
            throw ToolError(.foreignDirectory, "\(path) \(refusal)")
        case .zero, .damaged:
            let name = path.split(separator: "/").last ?? ""
            // There is one behind it.
            if name.hasSuffix(".seg"), let number = UInt64(name.dropLast(4)), number < .max {
                return number
            }
            throw ToolError(
                .unreadable,
                "\(path): the header is damaged, and the name does not say which segment it is; "
                    + "name it NUMBER.seg"
            )
        }
    }

    private static func read(
        _ path: String,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int {
        // To open a pipe would wait for its other end.
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw .system("open", path: path, code: errno) }
        defer { close(file) }
        var count = 0
        while count < memory.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: memory[count...])
            let got = pread(file, rest.baseAddress, rest.count, off_t(position + count))
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw .system("read", path: path, code: errno) }
            if got == 0 { break }
            count += got
        }
        return count
    }
}
