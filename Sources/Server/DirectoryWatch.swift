import Disk
import Glibc
import Primitives

/// Waits for changes of what is in some directories. A directory and not a file: editors write
/// another file and rename it, and a volume of an orchestrator swaps a link.
final class DirectoryWatch: Sendable {
    private let descriptor: Int32

    /// In milliseconds.
    private static let quiet: Int32 = 500
    /// In nanoseconds: a directory in which something always happens is looked at, too.
    private static let patience: UInt64 = 5_000_000_000

    /// Watches nothing yet.
    ///
    /// - Throws: the number of a system error.
    init() throws(SystemError) {
        let made = inotify_init1(Int32(IN_CLOEXEC))
        guard made >= 0 else { throw SystemError(number: errno) }
        descriptor = made
    }

    deinit { close(descriptor) }

    /// Begins to watch: what changes from now on is seen by ``waitForChange()``. A directory that
    /// is watched already stays so.
    ///
    /// - Throws: the number of a system error.
    func add(_ directory: String) throws(SystemError) {
        // That a directory has gone the kernel tells of every one that is watched. Rights count:
        // a file may be refused for them.
        let events =
            IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_MOVED_FROM
            | IN_MOVE_SELF
        guard inotify_add_watch(descriptor, directory, UInt32(events)) >= 0 else {
            throw SystemError(number: errno)
        }
    }

    /// Begins to watch all that decides what is at `path`: a directory itself, else the one that it
    /// is in, and those of the links on the way to it; where it is not there, the nearest one that
    /// is. Those above are watched for being renamed. To be called again after every change.
    ///
    /// - Returns: whether it is there.
    /// - Throws: the number of a system error.
    @discardableResult
    func attend(_ path: String) throws(SystemError) -> Bool {
        while true {
            let way = ResolvedPath(to: path)
            // Where one of these cannot be watched, the rest still is.
            for directory in way.passed { addMoves(of: directory) }
            for directory in way.links { try? add(directory) }
            do throws(SystemError) { try add(way.end) } catch {
                // It went in between.
                if error.number == ENOENT { continue }
                throw error
            }
            // What is below may have been made before it was watched.
            if way == ResolvedPath(to: path) { return way.isWhole }
        }
    }

    /// Beside what a directory is watched for already.
    private func addMoves(of directory: String) {
        _ = inotify_add_watch(descriptor, directory, UInt32(IN_MOVE_SELF | IN_MASK_ADD))
    }

    /// Returns when something has changed, and has been quiet for a while.
    ///
    /// - Returns: false: nothing can be watched any more.
    func waitForChange() -> Bool {
        guard wait(for: -1) else { return false }
        let limit = SystemClock().now().monotonic + Self.patience
        while wait(for: Self.quiet), SystemClock().now().monotonic < limit {}
        return true
    }

    /// - Returns: whether something happened, all of which has been read then.
    private func wait(for milliseconds: Int32) -> Bool {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while true {
            let count = Glibc.poll(&poll, 1, milliseconds)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            var bytes = [UInt8](repeating: 0, count: 16 << 10)
            return read(descriptor, &bytes, bytes.count) > 0
        }
    }
}
