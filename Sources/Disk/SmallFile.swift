import Glibc

/// Files that are read at once, as they are small: what users write, and what the system tells.
package enum SmallFile {
    /// The first `limit` bytes of a file, all where it has fewer. `options` are of open(2).
    package static func read(
        _ path: String,
        limit: Int,
        options: Int32 = 0
    ) throws(SystemError) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC | options)
        guard file >= 0 else { throw SystemError(number: errno) }
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: min(limit, 64 << 10))
        while bytes.count < limit {
            let count = Glibc.read(file, &chunk, min(chunk.count, limit - bytes.count))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemError(number: errno) }
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        return bytes
    }
}

/// What the system said where it refused something.
package struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    /// As `errno` has it.
    package let number: Int32

    package init(number: Int32) { self.number = number }

    /// The system's sentence.
    package var description: String { String(cString: strerror(number)) }
}
