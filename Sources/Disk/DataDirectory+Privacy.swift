import Glibc

extension DataDirectory {
    /// Leaves an open directory to its owner alone: what others may write is not this engine's
    /// alone, and what they may read is not private.
    ///
    /// - Throws: ``StorageError/notPrivate(path:owner:)`` where others may write it afterwards; it
    ///   is as it was then.
    static func makePrivate(_ directory: Int32, _ path: String) throws(StorageError) {
        var status = stat()
        guard fstat(directory, &status) == 0 else { throw .failed("stat", path, errno) }
        if let owner = stranger(owning: status, to: geteuid()) {
            throw .notPrivate(path: path, owner: owner)
        }
        let problem = fchmod(directory, 0o700) == 0 ? 0 : errno
        guard problem == 0 || problem == EPERM else { throw .failed("chmod 700", path, problem) }
        guard fstat(directory, &status) == 0 else { throw .failed("stat", path, errno) }
        // A file system without modes says that it has changed them, or that it may not.
        let others: mode_t = problem == 0 ? 0o022 : 0o077
        guard status.st_mode & others == 0 else { throw .notPrivate(path: path, owner: nil) }
    }

    /// Whose directory `user` does not take; nil: it does. Root has what it is given: what is
    /// mounted into a container is often the host's user's.
    static func stranger(owning status: stat, to user: uid_t) -> uid_t? {
        status.st_uid == user || user == 0 ? nil : status.st_uid
    }

    /// Why ``lock()`` would refuse the directory at `path`, as far as can be told from outside;
    /// nil: nothing is known against it.
    package static func refusal(of path: String) -> StorageError? {
        var status = stat()
        guard stat(path, &status) == 0, let owner = stranger(owning: status, to: geteuid()) else {
            return nil
        }
        return .notPrivate(path: path, owner: owner)
    }
}
