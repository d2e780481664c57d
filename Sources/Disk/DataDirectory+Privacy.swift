import CPlatform
import Glibc

extension DataDirectory {
    /// Leaves an open directory to its owner alone: what others may write is not this engine's
    /// alone, and what they may read is not private. What its owner may not do stays forbidden:
    /// somebody has taken that right away.
    ///
    /// - Throws: ``StorageError/writableByAll(path:directory:)`` where everybody could have written
    ///   what is in it, ``StorageError/notPrivate(path:owner:)`` where others may write it
    ///   afterwards; it is as it was then. What the system says where this process may not write
    ///   it.
    static func makePrivate(_ directory: Int32, _ path: String) throws(StorageError) {
        var status = stat()
        guard fstat(directory, &status) == 0 else { throw .failed("stat", path, errno) }
        if let owner = stranger(owning: status, to: geteuid()) {
            throw .notPrivate(path: path, owner: owner)
        }
        if let found = try writableByAll(directory, path) {
            throw .writableByAll(path: found, directory: path)
        }
        let problem = fchmod(directory, status.st_mode & 0o700) == 0 ? 0 : errno
        guard problem == 0 || problem == EPERM else { throw .failed("chmod go=", path, problem) }
        guard fstat(directory, &status) == 0 else { throw .failed("stat", path, errno) }
        // A file system without modes says that it has changed them, or that it may not.
        let others: mode_t = problem == 0 ? 0o022 : 0o077
        guard status.st_mode & others == 0 else { throw .notPrivate(path: path, owner: nil) }
        if let refusal = unwritable(directory, path) { throw refusal }
    }

    /// Why this process can make no files in the directory, or in that of its segments; nil: it
    /// can.
    private static func unwritable(_ directory: Int32, _ path: String) -> StorageError? {
        for (name, path) in [(".", path), ("log", "\(path)/log")] {
            guard faccessat(directory, name, W_OK, AT_EACCESS) != 0, errno != ENOENT else {
                continue
            }
            return .failed("write", path, errno)
        }
        return nil
    }

    /// Whose directory `user` does not take; nil: it does. Root has what it is given: what is
    /// mounted into a container is often the host's user's.
    static func stranger(owning status: stat, to user: uid_t) -> uid_t? {
        status.st_uid == user || user == 0 ? nil : status.st_uid
    }

    /// What everybody may write, so that what is there may not be the engine's own: the directory,
    /// unless it is empty, or a part of its log; nil: nothing. A group may have been given it: that
    /// is what its owner wanted.
    private static func writableByAll(
        _ directory: Int32,
        _ path: String
    ) throws(StorageError) -> String? {
        let names = try list(directory, path)
        guard !names.isEmpty else { return nil }
        if isWritableByAll(".", in: directory) { return path }
        var parts = names.filter { $0 == "MANIFEST" }
        if names.contains("log") {
            let options = [PLATFORM_OPEN_READ, PLATFORM_OPEN_DIRECTORY]
            let log = try Descriptor("log", in: directory, options, path: "\(path)/log")
            parts.append("log")
            parts += try list(log.number, "\(path)/log").map { "log/\($0)" }
        }
        return parts.first { isWritableByAll($0, in: directory) }.map { "\(path)/\($0)" }
    }

    private static func isWritableByAll(_ name: String, in directory: Int32) -> Bool {
        var status = stat()
        guard fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return false }
        // A symbolic link has no rights of its own.
        return status.st_mode & S_IFMT != S_IFLNK && status.st_mode & 0o002 != 0
    }

    /// Why ``lock()`` would refuse the directory at `path`, as far as can be told from outside;
    /// nil: nothing is known against it.
    package static func refusal(of path: String) -> StorageError? {
        var status = stat()
        guard stat(path, &status) == 0 else {
            let leadsNowhere = errno == ENOENT && lstat(path, &status) == 0
            return leadsNowhere ? .failed("follow", path, ENOENT) : nil
        }
        if let owner = stranger(owning: status, to: geteuid()) {
            return .notPrivate(path: path, owner: owner)
        }
        do throws(StorageError) {
            let options = [PLATFORM_OPEN_READ, PLATFORM_OPEN_DIRECTORY, PLATFORM_OPEN_FOLLOW]
            let root = try Descriptor(path, options, path: path)
            if let found = try writableByAll(root.number, path) {
                return .writableByAll(path: found, directory: path)
            }
            return unwritable(root.number, path)
        } catch {
            return nil
        }
    }
}
