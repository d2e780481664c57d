import CPlatform
import Glibc

extension DataDirectory {
    /// How a directory stands that an engine may be about to take.
    package enum Condition: Equatable, Sendable {
        /// Missing, or empty but for what may stand beside a log.
        case fresh
        /// An engine's own, and no engine has it.
        case free
        /// A running engine has it.
        case held(StorageError.LockHolder)
    }

    /// Looks at the directory at `path` from outside: takes nothing and touches nothing.
    ///
    /// - Throws: ``StorageError/foreignDirectory(path:found:)``, or what the system refused.
    package static func condition(of path: String) throws(StorageError) -> Condition {
        let directory = DataDirectory(path: path)
        let isUsed = try directory.isInUse()
        let name = "\(path)/LOCK"
        var lock: Descriptor?
        do throws(StorageError) {
            lock = try Descriptor(name, [PLATFORM_OPEN_READ], path: name)
        } catch .system(_, _, let code) where code == ENOENT {}
        if let lock, try check(platform_is_locked(lock.number), "flock", name) == 1 {
            return .held(LockFile.holder(lock.number))
        }
        // An engine goes on without its LOCK.
        if let root = directory.root, platform_is_locked(root.number) == 1 {
            return .held(LockFile.holder(lock?.number))
        }
        return isUsed ? .free : .fresh
    }

    /// Whether there is a log, be it without MANIFEST.
    func hasSegments() throws(StorageError) -> Bool {
        do throws(StorageError) {
            return try !segments().isEmpty
        } catch .system("open", _, let code) where code == ENOTDIR || code == ELOOP {
            // What is no folder has none.
            return false
        }
    }
}
