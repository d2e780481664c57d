import CommitLog
import Events
import Primitives
import RecordFormat

/// Makes the index of one segment out of its records.
struct SegmentIndexer {
    /// Which record a key leads to.
    private struct Mark: Comparable {
        let key: UInt64
        let record: Offset

        static func < (left: Mark, right: Mark) -> Bool {
            (left.key, left.record) < (right.key, right.record)
        }
    }

    private var marks = [[Mark]](repeating: [], count: IndexTable.allCases.count)
    private var times: [IndexEntry] = []
    /// The records so far, and their traces: effects of the same trace need no link.
    private var offsets: [Offset] = []
    private var traces: [TraceID?] = []
    private var bytesSinceTime = Int.max / 2
    private let base: Offset

    /// An indexer of a segment that begins at `base`.
    init(base: Offset) { self.base = base }

    /// Takes the next record.
    mutating func take(_ record: RecordView) {
        var trace = record.trace
        if let trace { mark(.traces, IndexKey.trace(trace), record) }
        if let cause = record.cause, !isTold(cause, by: record.trace) {
            mark(.links, cause.rawValue, record)
        }
        switch EventKind(rawValue: record.kind) {
        case .started, .workerDescribed, .workerLeft, .invoked, .enqueued, .delivered, .stateSet,
            .stateDeleted:
            if let event = LogRecord(record).event {
                mark(event, record)
            } else if record.kind == EventKind.stateSet.rawValue
                || record.kind == EventKind.stateDeleted.rawValue
            {
                mark(.places, IndexKey.unreadable, record)
            }
        case .redriven, .discarded:
            if let message = LogRecord(record).event?.message {
                mark(.links, message.rawValue, record)
            }
            // It may be part of a history without bringing its trace along.
            trace = nil
        case .purged:
            for message in LogRecord(record).event?.purged ?? [] {
                mark(.links, message.rawValue, record)
            }
            trace = nil
        default:
            break
        }
        offsets.append(record.offset)
        traces.append(trace)
        noteTime(record)
    }

    private mutating func mark(_ event: Event, _ record: RecordView) {
        switch event {
        case .started: mark(.workers, IndexKey.started, record)
        case .workerDescribed(let event): mark(.workers, IndexKey.id(event.worker), record)
        case .workerLeft(let event): mark(.workers, IndexKey.id(event.worker), record)
        case .invoked(let event): mark(.ids, IndexKey.id(event.invocation), record)
        case .queue(.delivered(let event)): mark(.ids, IndexKey.id(event.invocation), record)
        case .queue(.enqueued(let event)): mark(.ids, IndexKey.id(event.receipt), record)
        case .state(let event):
            mark(.places, IndexKey.place(scope: event.scope, key: event.key), record)
        default: break
        }
    }

    private mutating func mark(_ table: IndexTable, _ key: UInt64, _ record: RecordView) {
        marks[table.rawValue].append(Mark(key: key, record: record.offset))
    }

    /// Whether a record of `trace` is found without a link from its cause: the cause is in this
    /// segment and whoever has it has the trace, too.
    private func isTold(_ cause: Offset, by trace: TraceID?) -> Bool {
        guard let trace else { return false }
        var low = 0
        var high = offsets.count
        while low < high {
            let middle = (low + high) / 2
            if offsets[middle] < cause { low = middle + 1 } else { high = middle }
        }
        return low < offsets.count && offsets[low] == cause && traces[low] == trace
    }

    /// One time for as many bytes as there are between two entries of offsets.
    private mutating func noteTime(_ record: RecordView) {
        bytesSinceTime += record.payload.count + Layout.recordHeader
        guard bytesSinceTime >= OffsetIndex.spacing else { return }
        bytesSinceTime = 0
        let entry = IndexEntry(
            key: UInt64(max(0, record.time.nanoseconds)),
            value: UInt64(base.distance(to: record.offset))
        )
        if times.last.map({ $0 < entry }) ?? true { times.append(entry) }
    }

    /// The bytes of the index file. `scan` has seen the segment, and knows each of its batches.
    consuming func finish(_ header: SegmentHeader, end: Offset, _ scan: LogScan) -> [UInt8] {
        let batches = scan.index.places(in: header.number)
        var sparse: [IndexEntry] = []
        var last = -OffsetIndex.spacing
        for batch in batches where batch.position - last >= OffsetIndex.spacing {
            sparse.append(IndexEntry(key: batch.base.rawValue, value: Self.page(batch.position)))
            last = batch.position
        }
        var writer = IndexWriter()
        for table in IndexTable.allCases {
            switch table {
            case .offsets: writer.add(sparse)
            case .times: writer.add(times)
            case .traces, .ids, .links, .workers, .places:
                writer.add(Self.entries(marks[table.rawValue], batches))
                marks[table.rawValue] = []
            }
        }
        return writer.finish(
            IndexHeader(
                segment: header.number,
                salt: header.salt,
                size: header.size,
                offsets: header.base..<end
            )
        )
    }

    private static func page(_ position: Int) -> UInt64 { UInt64(position / Layout.page) }

    /// Of each key, the batches that hold its records.
    private static func entries(
        _ marks: [Mark],
        _ batches: [(base: Offset, position: Int)]
    ) -> [IndexEntry] {
        var entries: [IndexEntry] = []
        for mark in marks.sorted() {
            var low = 0
            var high = batches.count
            while low < high {
                let middle = (low + high) / 2
                if batches[middle].base <= mark.record { low = middle + 1 } else { high = middle }
            }
            precondition(low > 0, "a record is in a batch")
            let entry = IndexEntry(key: mark.key, value: page(batches[low - 1].position))
            if entries.last != entry { entries.append(entry) }
        }
        return entries
    }
}
