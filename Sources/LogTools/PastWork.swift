import Events
import Folding
import Primitives
import Queue
import RecordFormat

/// What there was to do at one place in the log, folded by the views that the engine itself runs.
struct PastWork {
    let views: WorkViews
    /// Below which offset the records count; nil: all do.
    private let end: Offset?

    /// Folds a log; `visit` sees each event and its offset before that is folded, with the cron
    /// slot that its cause fired or began a run of, where that has not ended.
    ///
    /// - Throws: ``ToolError`` where a record is damaged, or there is no such place.
    init(
        _ pass: LogPass,
        at moment: LogMoment,
        _ visit: (Event, Offset, _ firing: Offset?) -> Void = { _, _, _ in }
    ) throws(ToolError) {
        let end = try moment.end(in: pass)
        var views = WorkViews(cacheBytes: 0)
        var time: Timestamp?
        _ = try LogFold.run(pass, below: end) { (record) throws(DecodeError) in
            time = record.time
            guard let event = try Event(record) else { return }
            var firing: Offset?
            if let cause = record.cause { firing = views.openFiring(of: cause) }
            visit(event, record.offset, firing)
            views.apply(
                event,
                at: record.offset,
                time: record.time,
                trace: record.trace,
                cause: record.cause
            )
        }
        if case .time(let given) = moment { time = given }
        // A live engine notices that a delay is over; the log does not tell.
        if let time { _ = views.queue.takeDue(now: time) }
        self.views = views
        self.end = end
    }

    /// - Throws: ``ToolError/Code/historyTrimmed`` where retention may have removed what mattered.
    ///   To be asked when everything was read: beside a running engine, retention goes on.
    func checkIsWhole(_ pass: LogPass) throws(ToolError) {
        if let end { try LogDigest.checkIsWhole(pass, at: end) }
    }
}

extension LogMoment {
    /// Below which offset the records count; nil: all do.
    func end(in pass: LogPass) throws(ToolError) -> Offset? {
        switch self {
        case .end: return nil
        case .offset(let offset): return offset.advanced(by: 1)
        case .time(let time):
            let last = try StateLog(pass).offset(at: time)
            return last.map { $0.advanced(by: 1) } ?? .zero
        }
    }
}
