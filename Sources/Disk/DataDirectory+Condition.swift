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
        let isUsed = try DataDirectory(path: path).isInUse()
        let name = "\(path)/LOCK"
        let lock: Descriptor
        do throws(StorageError) {
            lock = try Descriptor(name, [PLATFORM_OPEN_READ], path: name)
        } catch .system(_, _, let code) where code == ENOENT {
            return isUsed ? .free : .fresh
        }
        if try check(platform_is_locked(lock.number), "flock", name) == 1 {
            return .held(LockFile.holder(lock.number))
        }
        return isUsed ? .free : .fresh
    }
}
