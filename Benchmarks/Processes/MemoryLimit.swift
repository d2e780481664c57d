import Glibc

/// A control group of the kernel: limits what a process may use of memory, the page cache of its
/// files included. Taken away with this object, when the process has ended.
final class MemoryLimit {
    private let path: String
    private let processes: String
    let bytes: Int

    /// Nil where this machine lets nobody make such a group.
    init?(bytes: Int) {
        self.bytes = bytes
        let isUnified = !File.text("/sys/fs/cgroup/cgroup.controllers").isEmpty
        let parent = isUnified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory"
        path = "\(parent)/iii-bench-\(getpid())"
        processes = "\(path)/cgroup.procs"
        guard mkdir(path, 0o755) == 0 else { return nil }
        let key = isUnified ? "memory.max" : "memory.limit_in_bytes"
        do throws(Failure) {
            try File.write("\(bytes)", to: "\(path)/\(key)")
        } catch {
            rmdir(path)
            return nil
        }
    }

    deinit { rmdir(path) }

    /// The command line that joins the group and becomes `command`.
    func limiting(_ command: [String]) -> [String] {
        ["sh", "-c", "echo $$ > \"$0\" && exec \"$@\"", processes] + command
    }
}
