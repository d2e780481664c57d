import CPlatform
import CommitLog
import Disk
import Engine
import Glibc
import LogTools
import Primitives
import RecordFormat
import Synchronization

/// Looks after the sealed segments on a thread of its own: makes their indexes, and reads each of
/// them whole once in ``period``, so that what the medium loses is known while there are backups.
///
/// It works slowly, behind everything else, and sleeps when there is nothing to do.
final class SegmentKeeper: Sendable {
    private let path: String
    private let report: Report
    private let waker: Waker
    private let isStarted = Atomic(false)
    private let companion = Mutex<(@Sendable () -> Void)?>(nil)

    /// When a segment comes next that is known to be damaged or could not be read.
    struct RetryDelay {
        /// Of the file that it is meant for: one that takes its place comes at the next look.
        let salt: UInt64
        let end: Timestamp
    }

    /// How long a segment counts as sound.
    static let period = Timestamp.Span.seconds(7 * 86_400)
    /// How long a segment is left alone that could not be read, or whose index not be written.
    private static let retry = Timestamp.Span.seconds(3600)
    /// Between two looks at all segments, in nanoseconds: at most, and at least.
    private static let rest: UInt64 = 3600 * second
    private static let breath: UInt64 = 10 * second
    private static let second: UInt64 = 1_000_000_000

    init(_ configuration: Configuration, report: Report) throws(StorageError) {
        path = configuration.engine.data
        self.report = report
        waker = try Waker()
    }

    /// Has `look` called behind every look at the segments: every hour, or more often.
    func accompany(_ look: @escaping @Sendable () -> Void) {
        companion.withLock { $0 = look }
    }

    /// There may be something to do: the log goes on in another segment, or old ones were written
    /// anew. Any thread.
    func look() {
        guard isStarted.exchange(true, ordering: .relaxed) else {
            // Where there is no room for one more thread, the next call tries again.
            let hasBegun = ServerThread.tryStart { self.run() }
            return isStarted.store(hasBegun, ordering: .relaxed)
        }
        waker.wake()
    }

    private func run() -> Never {
        platform_name_thread("iii-segments")
        platform_lower_priority(19)
        platform_use_idle_io()
        let source = PacedSource(path: path)
        var later: [UInt64: RetryDelay] = [:]
        while true {
            round(source, &later)
            companion.withLock { $0 }?()
            // A log that rolls over quickly is looked at every few seconds.
            PacedSource.sleep(nanoseconds: Self.breath)
            waker.sleep(nanoseconds: Self.rest)
        }
    }

    /// Reads every segment of `source` that ought to be read; one that cannot be keeps none of the
    /// others from it. `later` has those that are known to be damaged or could not be read, by
    /// their numbers: an operator is not told of each at every look.
    func round(_ source: any SegmentSource, _ later: inout [UInt64: RetryDelay]) {
        let care = SegmentCare(LogPass(source), IndexFolder(dataDirectory: path))
        let start = SystemClock().now().wall
        let due = start.advanced(by: .init(nanoseconds: -Self.period.nanoseconds))
        let duties: [SegmentCare.Duty]
        do throws(ToolError) {
            duties = try care.duties(since: due, now: start)
        } catch {
            return tell("the sealed segments", error)
        }
        for duty in duties {
            let (number, salt) = (duty.header.number, duty.header.salt)
            if let known = later[number], known.salt == salt, start < known.end { continue }
            do throws(ToolError) {
                switch try care.attend(to: duty, now: SystemClock().now().wall) {
                case .sound:
                    later[number] = nil
                case .damaged(let damages):
                    later[number] = RetryDelay(salt: salt, end: start.advanced(by: Self.period))
                    report.notice(.damage(damages, of: number, in: path))
                }
            } catch  where error.code == .notWritten {
                // Nor could the index of any other segment be.
                return tell("the indexes of sealed segments", error)
            } catch {
                later[number] = RetryDelay(salt: salt, end: start.advanced(by: Self.retry))
                tell("segment \(number)", error)
            }
        }
    }

    private func tell(_ what: String, _ error: ToolError) {
        let text = "\(what) could not be looked after, and will be later: \(error.message)"
        report.notice(Notice(severity: .warning, text: text))
    }
}

/// The segments of a directory, read no faster than ``bytesPerSecond``.
struct PacedSource: SegmentSource {
    private let directory: OpenDirectory

    /// A class, so that the source can be copied into one reader after the other.
    private final class OpenDirectory {
        let files: ReadOnlyDirectory
        init(path: String) { files = ReadOnlyDirectory(path: path) }
    }

    static let bytesPerSecond = 16 << 20

    init(path: String) { directory = OpenDirectory(path: path) }

    var path: String { directory.files.path }

    func segments() throws(StorageError) -> [SegmentFile] { try directory.files.segments() }

    func read(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int {
        let count = try directory.files.read(segment: segment, at: position, into: memory)
        Self.sleep(nanoseconds: UInt64(count) * 1_000_000_000 / UInt64(Self.bytesPerSecond))
        return count
    }

    func reopen(segment: UInt64) { directory.files.reopen(segment: segment) }

    func readManifest(
        slot: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) {
        try directory.files.readManifest(slot: slot, into: memory)
    }

    static func sleep(nanoseconds: UInt64) {
        var time = timespec(
            tv_sec: Int(nanoseconds / 1_000_000_000),
            tv_nsec: Int(nanoseconds % 1_000_000_000)
        )
        nanosleep(&time, nil)
    }
}
