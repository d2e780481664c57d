import Disk
import Glibc

/// Waits until a log may have grown: looks at the files' times a few times a second, and reads
/// nothing.
package struct LogWatch {
    private let location: LogLocation
    private let source: LogSource
    private var seen: [Look] = []
    /// A write may come within the same tick of the file's clock as the look before it: after a
    /// change the log is read once more.
    private var isSettled = false

    private struct Look: Equatable {
        let segment: UInt64
        let seconds: Int
        let nanoseconds: Int
        let byteCount: Int
    }

    /// Between two looks, in microseconds.
    private static let period: UInt32 = 200_000
    /// Segments are made ahead: the one that grows is among the last few.
    private static let watched = 4

    /// - Throws: ``ToolError/Code/elsewhere`` where there are no files whose times could be seen.
    package init(_ location: LogLocation) throws(ToolError) {
        if case .distant(let log) = location {
            throw ToolError(
                .elsewhere,
                "the log of \(log.path) cannot be followed from here; run `iii-log show -f` where "
                    + "its data directory is"
            )
        }
        self.location = location
        source = try LogSource(location)
    }

    /// Returns when there may be more to read.
    package mutating func wait() throws(ToolError) {
        while true {
            usleep(Self.period)
            let looks = try look()
            if looks != seen {
                seen = looks
                isSettled = false
                return
            }
            if !isSettled {
                isSettled = true
                return
            }
        }
    }

    private func look() throws(ToolError) -> [Look] {
        if case .files(let paths) = location {
            return paths.enumerated().map { Self.look(UInt64($0.offset), $0.element) }
        }
        do throws(StorageError) {
            return try source.segments().suffix(Self.watched).map { file in
                let name = DataDirectory.segmentName(file.number)
                return Self.look(file.number, "\(source.path)/log/\(name)")
            }
        } catch {
            throw ToolError(.unreadable, error.description)
        }
    }

    private static func look(_ segment: UInt64, _ path: String) -> Look {
        var status = stat()
        // A file that is gone looks different from itself.
        guard stat(path, &status) == 0 else {
            return Look(segment: segment, seconds: 0, nanoseconds: 0, byteCount: -1)
        }
        return Look(
            segment: segment,
            seconds: status.st_mtim.tv_sec,
            nanoseconds: status.st_mtim.tv_nsec,
            byteCount: Int(status.st_size)
        )
    }
}
