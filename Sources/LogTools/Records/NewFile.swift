import Glibc

/// A file that was not there before, for this user only. It has its name once it is finished: until
/// then, and for ever where the program is ended, it is `NAME.part`, which the next one replaces.
package final class NewFile {
    private let descriptor: Int32
    private let path: String
    private let part: String
    private var isFinished = false
    /// The first error of a write, as `errno` says it.
    private var failure: Int32?

    /// - Throws: ``ToolError/Code/fileExists`` where something has that name.
    package init(_ path: String) throws(ToolError) {
        let part = "\(path).part"
        self.path = path
        self.part = part
        var status = stat()
        // Told before the work, and again behind it.
        if lstat(path, &status) == 0 { throw Self.exists(path) }
        // Not written over: whoever writes it at the same time keeps what is theirs, and is told.
        unlink(part)
        let options = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
        let file = Glibc.open(part, options, 0o600)
        guard file >= 0 else { throw Self.failed("create", part) }
        descriptor = file
    }

    deinit {
        if !isFinished, hasName { unlink(part) }
        close(descriptor)
    }

    /// Whether nobody has taken the file's name away.
    private var hasName: Bool {
        var status = stat()
        return fstat(descriptor, &status) == 0 && status.st_nlink > 0
    }

    /// Appends `bytes`; what became of it ``finish()`` tells.
    package func write(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes[...]
        while failure == nil, !rest.isEmpty {
            let piece = UnsafeRawBufferPointer(rebasing: rest)
            let count = Glibc.write(descriptor, piece.baseAddress, piece.count)
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                failure = errno
            }
        }
    }

    /// Puts all of it on the medium, and gives it its name.
    ///
    /// - Throws: ``ToolError/Code/notWritten`` where a write, or that, has failed, and
    ///   ``ToolError/Code/fileExists`` where something has got that name meanwhile.
    package func finish() throws(ToolError) {
        if let failure {
            errno = failure
            throw Self.failed("write", part)
        }
        guard fsync(descriptor) == 0 else { throw Self.failed("fsync", part) }
        guard hasName else {
            throw ToolError(
                .notWritten,
                "\(part) was removed while it was written, perhaps by another export: do it again"
            )
        }
        try giveName()
        isFinished = true
        try syncDirectory()
    }

    /// A link never takes the place of another file, as a rename would.
    private func giveName() throws(ToolError) {
        if link(part, path) == 0 {
            unlink(part)
            return
        }
        if errno == EEXIST { throw Self.exists(path) }
        guard errno == EPERM || errno == EOPNOTSUPP else { throw Self.failed("link", path) }
        // A file system without links: an empty file keeps the name for the rename.
        let options = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
        let file = Glibc.open(path, options, 0o600)
        if file < 0, errno == EEXIST { throw Self.exists(path) }
        guard file >= 0 else { throw Self.failed("create", path) }
        close(file)
        guard Glibc.rename(part, path) == 0 else {
            let failure = Self.failed("rename", path)
            unlink(path)
            throw failure
        }
    }

    /// Its name is on the medium, too.
    private func syncDirectory() throws(ToolError) {
        var directory = "."
        if let slash = path.lastIndex(of: "/") {
            directory = slash == path.startIndex ? "/" : String(path[..<slash])
        }
        let folder = Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw Self.failed("open", directory) }
        defer { close(folder) }
        guard fsync(folder) == 0 || errno == EINVAL else { throw Self.failed("fsync", directory) }
    }

    private static func exists(_ path: String) -> ToolError {
        ToolError(.fileExists, "\(path) is there already: name a new file")
    }

    private static func failed(_ operation: String, _ path: String) -> ToolError {
        let reason = String(cString: strerror(errno))
        return ToolError(.notWritten, "\(path): \(operation) failed: \(reason)")
    }
}
