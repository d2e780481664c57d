package import Events
package import Primitives
package import RecordFormat
package import State
package import Stream

/// Everything that is folded from the log. Live work, recovery and replay all run this `apply`.
package struct Views {
    package var work: WorkViews
    package var state: StateView
    package var streams: StreamView

    /// Views of an empty log; `cacheBytes` is what they may keep of what the log holds: queues and
    /// state three eighths each, streams a quarter.
    package init(maxValueBytes: Int? = nil, cacheBytes: Int = .max) {
        work = WorkViews(cacheBytes: Self.share(of: cacheBytes, eighths: 3))
        state = StateView(
            maxValueBytes: maxValueBytes,
            cacheBytes: Self.share(of: cacheBytes, eighths: 3)
        )
        streams = StreamView(cacheBytes: Self.share(of: cacheBytes, eighths: 2))
    }

    private static func share(of cacheBytes: Int, eighths: Int) -> Int {
        cacheBytes == .max ? .max : cacheBytes / 8 * eighths
    }

    /// Folds one record of the log; a kind that this version does not know changes nothing.
    package mutating func apply(_ record: borrowing RecordView) throws(DecodeError) {
        guard let event = try Event(record) else { return }
        apply(
            event,
            at: record.offset,
            time: record.time,
            trace: record.trace,
            cause: record.cause
        )
    }

    package mutating func apply(
        _ event: Event,
        at offset: Offset,
        time: Timestamp,
        trace: TraceID?,
        cause: Offset?
    ) {
        switch event {
        case .state(let event): state.apply(event, at: offset)
        case .stream(let event): streams.apply(event, at: offset)
        default: work.apply(event, at: offset, time: time, trace: trace, cause: cause)
        }
    }
}

// MARK: In a snapshot

extension Views {
    /// Views as a snapshot has them: `work` as ``WorkViews/encode(into:)``, `state` as
    /// ``StateView/encode(into:)`` wrote them, the items of streams behind it.
    package init(
        work: inout ByteReader,
        state: inout SnapshotReader,
        maxValueBytes: Int? = nil,
        cacheBytes: Int = .max
    ) throws(DecodeError) {
        self.init(maxValueBytes: maxValueBytes, cacheBytes: cacheBytes)
        let share = Self.share(of: cacheBytes, eighths: 3)
        self.work = try WorkViews(from: &work, cacheBytes: share)
        try self.state.decode(from: &state)
        try streams.decode(from: &state)
    }
}
