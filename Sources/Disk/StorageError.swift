import Glibc

/// Why a storage could not do what was asked of it.
package enum StorageError: Error, Equatable, Sendable {
    /// The system refused: which operation, on which file, with which error number.
    case system(_ operation: String, path: String, code: Int32)
    /// The device took only part of a write; what it holds now is unknown.
    case shortWrite(path: String, expected: Int, written: Int)
    /// No room (or quota, or file-size limit) for a file. Everything written before is intact.
    case noSpace(path: String, code: Int32)
    /// A symbolic link, a directory, a pipe, a socket or a device where a file belongs.
    case notAFile(path: String)
    /// Another engine owns the data directory.
    case locked(path: String, holder: LockHolder)
    /// The directory holds something that no engine put there.
    case foreignDirectory(path: String, found: String)
    /// Others could change what is in the directory: the user who owns it, or, where that is this
    /// one, everybody, which the file system does not let be changed.
    case notPrivate(path: String, owner: UInt32?)
    /// Everybody could have changed a log that is there already: by `path`, the directory's own or
    /// that of something in it.
    case writableByAll(path: String, directory: String)
    /// The kernel does not let this process use io_uring; plain system calls will do.
    case ringUnavailable(code: Int32)

    /// Who holds a lock, as its file says: information only, the lock itself is the kernel's.
    package struct LockHolder: Equatable, Sendable {
        package let pid: Int32?
        package let host: String

        package init(pid: Int32?, host: String) {
            self.pid = pid
            self.host = host
        }
    }

    /// Whether the same call may succeed later with nothing else changed here.
    package var isRetryable: Bool {
        switch self {
        case .noSpace, .locked: true
        // The process, or the machine, is short of something for the moment.
        case .system(_, _, let code): [EMFILE, ENFILE, ENOMEM, EAGAIN].contains(code)
        case .shortWrite, .notAFile, .foreignDirectory, .notPrivate, .writableByAll,
            .ringUnavailable:
            false
        }
    }

    /// Whether the medium does not give what it holds: it will not when it is asked again. A bad
    /// block that is read past the page cache is `ENODATA`.
    package var isOfMedium: Bool {
        guard case .system(_, _, let code) = self else { return false }
        return [EIO, ENODATA, EILSEQ, EBADMSG, EUCLEAN].contains(code)
    }
}

extension StorageError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .system(let operation, let path, let code):
            "\(path): \(operation) failed: \(errorText(code))"
        case .shortWrite(let path, let expected, let written):
            "\(path): the device took \(written) of \(expected) bytes"
        case .noSpace(let path, let code):
            "\(path): no room: \(errorText(code)); \(Self.wayOut(of: code))"
        case .notAFile(let path):
            "\(path) is no file, but a symbolic link, a directory, a pipe, a socket or a device: no "
                + "engine has made it. Put the file itself in its place, or remove it where none "
                + "belongs there"
        case .locked(let path, let holder):
            "\(path) belongs to a running engine (\(holder)): stop it, or choose another directory"
        case .foreignDirectory(let path, let found):
            "\(path) is not an engine's data directory (it holds '\(found)' and no MANIFEST): "
                + "choose an empty or a new one"
        case .notPrivate(let path, let owner?):
            "\(path) belongs to another user (uid \(owner)), who could change what is in it: give "
                + "it to this one (chown \(geteuid()) \(path)), or choose a directory that the "
                + "engine makes itself, as \(path)/iii"
        case .notPrivate(let path, nil):
            "\(path) can be written by others, and its file system does not let that be changed: "
                + "choose a directory on another one"
        case .writableByAll(let path, let directory):
            "everybody may write \(path): look whether all that is in \(directory) is the engine's "
                + "own, then take that right away (chmod -R o-w \(directory))"
        case .ringUnavailable(let code):
            "io_uring refused: \(errorText(code))"
        }
    }

    private static func wayOut(of code: Int32) -> String {
        switch code {
        case EFBIG: "raise the process's limit on the size of files (ulimit -f)"
        case EDQUOT: "free some space, or raise the quota"
        default: "free some space"
        }
    }
}

extension StorageError.LockHolder: CustomStringConvertible {
    package var description: String {
        let process = pid.map { "process \($0)" } ?? "process unknown"
        return host.isEmpty ? process : "\(process) on \(host)"
    }
}
