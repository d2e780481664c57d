import Events
import Folding
import Primitives
import Queue
import RecordFormat

/// A record that may leave the log, in the oracle's memory.
struct ArchivedRecord {
    private let offset: Offset
    private let time: Timestamp
    private let trace: TraceID?
    private let cause: Offset?
    private let kind: UInt8
    private let payload: [UInt8]

    init(_ record: RecordView) {
        offset = record.offset
        time = record.time
        trace = record.trace
        cause = record.cause
        kind = record.kind
        payload = [UInt8](record.payload)
    }

    func withView(_ body: (RecordView) throws(DecodeError) -> Void) throws(DecodeError) {
        let result = payload.withUnsafeBytes { bytes in
            let view = RecordView(
                offset: offset,
                time: time,
                trace: trace,
                cause: cause,
                kind: kind,
                payload: bytes
            )
            return Result { () throws(DecodeError) in try body(view) }
        }
        try result.get()
    }
}

/// A log as it is read again, with what retention removed from it put back: the oracles judge every
/// record that there ever was.
struct Retelling {
    private let archive: [ArchivedRecord]
    private(set) var ledger = Ledger()
    /// A hash of every record, from the first on.
    private(set) var recovered: [UInt64] = []
    /// Those that were not in the log.
    private(set) var removed: [Offset] = []
    private(set) var finding: String?
    /// Folded from every record: what became history once is history for good, and what is left, or
    /// a snapshot, does not tell of all of it.
    private var queue = QueueView()

    init(_ archive: [ArchivedRecord]) { self.archive = archive }

    mutating func take(_ record: RecordView) throws(DecodeError) {
        try fill(to: record.offset)
        try tell(record)
    }

    /// Puts back what is missing before `end`.
    mutating func fill(to end: Offset) throws(DecodeError) {
        while recovered.count < Int(end.rawValue), finding == nil {
            let number = recovered.count
            guard number < archive.count else {
                finding = "record \(number) is gone, and was not retention's to remove"
                return
            }
            removed.append(Offset(UInt64(number)))
            try archive[number].withView { (record) throws(DecodeError) in try tell(record) }
        }
    }

    private mutating func tell(_ record: RecordView) throws(DecodeError) {
        try ledger.read(record)
        switch try Event(record) {
        case .queue(let event)?:
            queue.apply(event, at: record.offset, time: record.time, trace: record.trace)
        case .started?: queue.applyRestart()
        default: break
        }
        recovered.append(LogWitness.hash(of: record))
    }

    /// Nil when none of the records that were removed is needed by the views that are left.
    func judge(_ views: Views) -> String? {
        if let finding { return finding }
        for offset in removed {
            var event: Event?
            try? archive[Int(offset.rawValue)].withView { (record) throws(DecodeError) in
                event = try Event(record)
            }
            let isNeeded =
                switch event {
                case .queue(let event)?: queue.needs(event, at: offset)
                case let event?: views.needs(event, at: offset)
                case nil: false
                }
            if isNeeded {
                let what = event.map { "\($0)".prefix(200) } ?? ""
                return "retention removed record \(offset), which is needed: \(what)"
            }
        }
        return nil
    }
}
