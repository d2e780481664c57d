import CPlatform
import CommitLog
import Disk
import Events
import Observability
import Primitives
import RecordFormat

/// A piece of the log as what follows it takes it: read and decoded.
struct FollowedPiece: Sendable {
    var records: [FollowedRecord] = []
    /// The offset behind it; between its last record and this some may have been passed over.
    var next: Offset
    /// Why it ends there; nil: it is all that was asked for.
    var failure: LogError?
    /// What reading it took of a processor, in nanoseconds.
    var work: UInt64 = 0

    struct Request: Sendable {
        /// Where a batch begins.
        let from: Offset
        /// The first offset that is not known to be durable.
        let end: Offset
        /// Whether records are read that tell of nothing but work.
        let isWhole: Bool
        /// What lies before this is never passed over: it was there before this start.
        let history: Offset
    }
}

/// Reads pieces of the log, from whichever batch on; one after the other costs least.
struct PieceReader: ~Copyable {
    private var tail: LogTail<ReadOnlyDirectory>
    private var hasPlace = false

    /// Bytes that are read at a time: at least one batch, whatever it has.
    private static let bytes = 32 << 10
    /// How old a record may be by the time that it is read, where more than `backlog` of them are
    /// behind it: the log grows faster than it is followed. Age alone is a processor that was not
    /// to be had, and few records are read as soon as it is.
    private static let patience = Timestamp.Span.seconds(2)
    private static let backlog = 4096

    init(path: String) { tail = LogTail(ReadOnlyDirectory(path: path)) }

    /// Goes back at most `bytes` of batches from `end`, a durable offset.
    ///
    /// - Returns: the offset to begin at.
    /// - Throws: what of the log cannot be read.
    mutating func rewind(_ bytes: Int, from end: Offset) throws(LogError) -> Offset {
        hasPlace = false
        try tail.start(bytes: bytes, before: end)
        hasPlace = true
        return tail.next
    }

    mutating func read(_ request: FollowedPiece.Request) -> FollowedPiece {
        let start = platform_thread_time()
        var piece = FollowedPiece(next: request.from)
        do throws(LogError) {
            if !hasPlace || tail.next > request.from { _ = try rewind(0, from: request.from) }
            try tail.skip(to: request.from)
            _ = try tail.read(below: request.end, bytes: Self.bytes) {
                piece.records.append(.init($0, isWhole: request.isWhole))
            }
            if let last = piece.records.last, last.offset >= request.history,
                last.offset.distance(to: request.end) > Self.backlog, last.age > Self.patience
            {
                try tail.skip(to: request.end)
            }
        } catch {
            hasPlace = false
            piece.failure = error
        }
        piece.next = hasPlace ? tail.next : piece.records.last?.offset.advanced(by: 1) ?? piece.next
        piece.work = platform_thread_time() - start
        return piece
    }
}

extension FollowedRecord {
    /// What is read of it; where it need not be whole, only what tells of telemetry.
    fileprivate init(_ view: RecordView, isWhole: Bool) {
        let isWanted = isWhole || EventKind(rawValue: view.kind)?.isTelemetry ?? false
        self.init(
            offset: view.offset,
            time: view.time,
            trace: view.trace,
            cause: view.cause,
            event: isWanted ? try? Event(view) : nil,
            byteCount: view.payload.count
        )
    }

    fileprivate var age: Timestamp.Span { time.distance(to: SystemClock().now().wall) }
}
