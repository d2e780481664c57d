package import Events
package import Primitives
package import RecordFormat
package import State

/// Everything that is folded from the log. Live work, recovery and replay all run this `apply`.
package struct Views {
    package var work: WorkViews
    package var state: StateView

    /// Views of an empty log; `cacheBytes` is what they may keep of what the log holds, queues and
    /// state a half each.
    package init(maxValueBytes: Int? = nil, cacheBytes: Int = .max) {
        let share = Self.share(of: cacheBytes)
        work = WorkViews(cacheBytes: share)
        state = StateView(maxValueBytes: maxValueBytes, cacheBytes: share)
    }

    private static func share(of cacheBytes: Int) -> Int {
        cacheBytes == .max ? .max : cacheBytes / 2
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
        guard case .state(let event) = event else {
            return work.apply(event, at: offset, time: time, trace: trace, cause: cause)
        }
        state.apply(event, at: offset)
    }
}

// MARK: In a snapshot

extension Views {
    /// Views as a snapshot has them: `work` as ``WorkViews/encode(into:)``, `state` as
    /// ``StateView/encode(into:)`` wrote them.
    package init(
        work: inout ByteReader,
        state: inout SnapshotReader,
        maxValueBytes: Int? = nil,
        cacheBytes: Int = .max
    ) throws(DecodeError) {
        self.init(maxValueBytes: maxValueBytes, cacheBytes: cacheBytes)
        self.work = try WorkViews(from: &work, cacheBytes: Self.share(of: cacheBytes))
        try self.state.decode(from: &state)
    }
}
