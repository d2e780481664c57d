import CPlatform
import Glibc

/// What LOCK says about the engine that holds it, one `name value` a line: for people.
enum LockFile {
    /// Says in `file`, which is locked, who holds it, over what it said before: on a full disk,
    /// room that is given back need not be there a moment later. Where there is none it says
    /// nothing, and is locked all the same.
    static func write(to file: Int32, path: String) throws(StorageError) {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let text =
            "pid \(getpid())\nhost \(hostName())\nboot \(HostIdentity.boot ?? "")\n"
            + "started \(now.tv_sec)\n"
        let bytes = Array(text.utf8)
        do throws(StorageError) {
            try check(platform_write_all(file, bytes, bytes.count, 0), "write", path)
        } catch .noSpace {
            // Nobody is to be told of an engine that is gone.
            _ = ftruncate(file, 0)
            return
        }
        guard ftruncate(file, off_t(bytes.count)) == 0 else {
            throw .failed("truncate", path, errno)
        }
    }

    private static func hostName() -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { name in
            guard let start = name.baseAddress, gethostname(start, 255) == 0 else { return "" }
            name[255] = 0
            return String(cString: start)
        }
    }

    /// What `file` says; nil: there is no LOCK to say anything.
    static func holder(_ file: Int32?) -> StorageError.LockHolder {
        let text = file.map(Self.read) ?? ""
        return StorageError.LockHolder(
            pid: field("pid", of: text).flatMap { Int32($0) },
            host: field("host", of: text) ?? ""
        )
    }

    private static func field(_ name: String, of text: String) -> String? {
        for line in text.split(separator: "\n") where line.hasPrefix(name + " ") {
            return String(line.dropFirst(name.count + 1))
        }
        return nil
    }

    private static func read(_ file: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 1024)
        let count = platform_read(file, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }
}
