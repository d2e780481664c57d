import Glibc

/// The machine that this process runs on.
enum HostIdentity {
    /// A name that the kernel made when it started, and shares with no other (random(4)); nil where
    /// it tells none.
    static var boot: String? {
        let file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(file, &bytes, bytes.count)
        guard count > 0 else { return nil }
        let text = bytes[..<count].prefix { $0 != UInt8(ascii: "\n") }
        return String(decoding: text, as: UTF8.self)
    }

    /// The path of a file that is there, from the root and without links; else `path` itself.
    static func fullPath(_ path: String) -> String {
        guard let full = realpath(path, nil) else { return path }
        defer { free(full) }
        return String(cString: full)
    }
}
