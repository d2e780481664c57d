import Disk
import Glibc
import Primitives

/// What changes a directory, one system call a step: so that a test can cut between any two.
///
/// Names are relative to the directory, such as `log/00000000000000000003.seg`. Nothing survives a
/// power cut before it is synced: a file's bytes by its name, a file's existence by its folder's.
package protocol Files: AnyObject {
    /// The directory, for messages.
    var path: String { get }

    /// Makes a folder for this user only, if it is not there.
    func makeFolder(_ name: String) throws(ToolError)

    /// The names in a folder; none where it is missing.
    func names(in folder: String) throws(ToolError) -> [String]

    /// Gives a file another name beside its own.
    func link(_ name: String, as other: String) throws(ToolError)

    /// Makes an empty file for this user only, in the place of one that is there.
    func create(_ name: String) throws(ToolError)

    func write(
        _ bytes: UnsafeRawBufferPointer,
        to name: String,
        at position: Int
    ) throws(ToolError)

    /// Puts a file, or the names in a folder, on the medium. The directory itself is `.`.
    func sync(_ name: String) throws(ToolError)

    /// Gives a file another name, in the place of one that has it, in one step.
    func rename(_ name: String, to other: String) throws(ToolError)

    /// Takes the permission to write away: a sealed segment does not change any more.
    func protect(_ name: String) throws(ToolError)

    func remove(_ name: String) throws(ToolError)

    /// A file that is a segment, to be read back as a log by itself.
    func segment(_ name: String) throws(ToolError) -> LogSource

    /// 64 random bits, which tell a segment from all others.
    func random() -> UInt64
}

extension Files {
    package func random() -> UInt64 {
        var entropy = SystemEntropy()
        return entropy.next()
    }
}

/// The files of a directory of the file system.
package final class DirectoryFiles: Files {
    package let path: String
    /// The file written last.
    private var open: (name: String, file: Int32)?

    package init(path: String) { self.path = path }

    deinit { forget() }

    private func full(_ name: String) -> String { name == "." ? path : "\(path)/\(name)" }

    private func failed(_ operation: String, _ name: String, _ code: Int32 = errno) -> ToolError {
        ToolError(
            .notWritten,
            "\(full(name)): \(operation) failed: \(String(cString: strerror(code))) (\(code))"
        )
    }

    private func forget() {
        if let open { close(open.file) }
        open = nil
    }

    package func segment(_ name: String) throws(ToolError) -> LogSource {
        try LogSource(.files([full(name)]))
    }

    package func makeFolder(_ name: String) throws(ToolError) {
        guard mkdir(full(name), 0o700) == 0 else {
            if errno == EEXIST { return }
            throw failed("create", name)
        }
        try giveToOwner(name)
    }

    /// What root makes in the directory of another user is that user's: the engine is to open it.
    ///
    /// That user may put something else in its place: no link is followed, and no file given away
    /// that has another name as well.
    func giveToOwner(_ name: String) throws(ToolError) {
        guard geteuid() == 0 else { return }
        let file = Glibc.open(full(name), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else { throw failed("open", name) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw failed("stat", name) }
        let isFolder = status.st_mode & S_IFMT == S_IFDIR
        guard isFolder || status.st_nlink == 1 else { throw failed("chown", name, EMLINK) }
        try giveToOwner(name, file)
    }

    /// The same for a file or folder that is open as `file`.
    private func giveToOwner(_ name: String, _ file: Int32) throws(ToolError) {
        guard geteuid() == 0 else { return }
        var owner = stat()
        guard stat(path, &owner) == 0 else { throw failed("stat", ".") }
        guard owner.st_uid != 0 || owner.st_gid != 0 else { return }
        guard fchown(file, owner.st_uid, owner.st_gid) == 0 else {
            throw failed("chown \(owner.st_uid):\(owner.st_gid)", name)
        }
    }

    /// Removes a folder with the files in it. Of a link nothing but the link goes: what that leads
    /// to is somebody else's.
    func removeFolder(_ name: String) throws(ToolError) {
        forget()
        let options = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_DIRECTORY
        let folder = Glibc.open(full(name), options)
        guard folder >= 0 else {
            if errno == ENOENT { return }
            guard errno == ENOTDIR || errno == ELOOP else { throw failed("open", name) }
            return try remove(name)
        }
        defer { close(folder) }
        for file in try names(inOpen: folder, name) {
            guard unlinkat(folder, file, 0) == 0 else { throw failed("remove", "\(name)/\(file)") }
        }
        guard rmdir(full(name)) == 0 else { throw failed("remove", name) }
    }

    package func names(in folder: String) throws(ToolError) -> [String] {
        let directory = Glibc.open(full(folder), O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        guard directory >= 0 else {
            if errno == ENOENT { return [] }
            throw failed("list", folder)
        }
        defer { close(directory) }
        return try names(inOpen: directory, folder)
    }

    /// `directory` stays open; errors call it `name`.
    private func names(inOpen directory: Int32, _ name: String) throws(ToolError) -> [String] {
        let (names, code) = directoryNames(directory)
        guard code == 0 else { throw failed("list", name, code) }
        return names.sorted()
    }

    package func link(_ name: String, as other: String) throws(ToolError) {
        guard Glibc.link(full(name), full(other)) == 0 else { throw failed("link", other) }
    }

    package func create(_ name: String) throws(ToolError) {
        forget()
        // What an interrupted attempt left may be protected already.
        guard unlink(full(name)) == 0 || errno == ENOENT else { throw failed("remove", name) }
        let options = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
        let file = Glibc.open(full(name), options, 0o600)
        guard file >= 0 else { throw failed("create", name) }
        open = (name, file)
        try giveToOwner(name, file)
    }

    package func write(
        _ bytes: UnsafeRawBufferPointer,
        to name: String,
        at position: Int
    ) throws(ToolError) {
        let file = try descriptor(name)
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let count = pwrite(file, rest.baseAddress, rest.count, off_t(position + done))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failed("write", name, count < 0 ? errno : EIO) }
            done += count
        }
    }

    private func descriptor(_ name: String) throws(ToolError) -> Int32 {
        if let open, open.name == name { return open.file }
        forget()
        let file = Glibc.open(full(name), O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { throw failed("open", name) }
        open = (name, file)
        return file
    }

    package func sync(_ name: String) throws(ToolError) {
        let file = Glibc.open(full(name), O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw failed("open", name) }
        defer { close(file) }
        guard fsync(file) == 0 else { throw failed("fsync", name) }
        // Who reads it back is to see the medium.
        posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)
    }

    package func rename(_ name: String, to other: String) throws(ToolError) {
        forget()
        guard Glibc.rename(full(name), full(other)) == 0 else { throw failed("rename", other) }
    }

    package func protect(_ name: String) throws(ToolError) {
        guard chmod(full(name), 0o400) == 0 else { throw failed("chmod 400", name) }
    }

    package func remove(_ name: String) throws(ToolError) {
        forget()
        guard unlink(full(name)) == 0 else { throw failed("remove", name) }
    }
}
