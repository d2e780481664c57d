package import CommitLog
package import Events
package import Primitives
import RecordFormat

/// The state as it was, and what became of it: read from the log itself, beside an engine that
/// appends to it.
///
/// A segment that has an index is read where it names the key, and any other whole. What retention
/// has removed cannot be told of: from ``complete`` on everything is there.
package struct StateLog {
    /// A segment and where the next one begins.
    private struct Part {
        let header: SegmentHeader
        let end: Offset
    }

    /// A write of one key.
    package struct Write: Equatable, Sendable {
        package let offset: Offset
        package let time: Timestamp
        package let event: StateEvent
    }

    private let pass: LogPass
    private let index: LogIndex?
    private let parts: [Part]
    /// The first offset from which on no record is missing.
    package let complete: Offset
    /// The records below are looked at: a part of the rest may not be on the medium yet.
    private let end: Offset
    /// Where to begin for ``changes(after:_:)``; nil: an index may tell.
    private let entrance: ScanStart?

    /// Looks at the records below `end`, or at all, and at changes from `entrance` on.
    ///
    /// - Throws: ``ToolError`` when the files cannot be read.
    package init(
        _ pass: LogPass,
        below end: Offset? = nil,
        through entrance: ScanStart? = nil
    ) throws(ToolError) {
        self.pass = pass
        self.entrance = entrance
        self.end = end ?? .max
        index = try LogIndex(pass)
        var reader = LogReader(pass.source)
        do throws(LogError) {
            let frames = try reader.headers()
            let ends = frames.dropFirst().map(\.header.base) + [Offset.max]
            parts = zip(frames, ends).map { Part(header: $0.header, end: $1) }
            // Where it cannot be read, something may have been removed.
            let trimmed = frames.indices.last {
                (frames[$0].footer?.gaps ?? 0) > 0 || frames[$0].isFooterUnreadable
            }
            complete = trimmed.map { ends[$0] } ?? frames.first?.header.base ?? .zero
        } catch {
            throw LogPass.converted(error)
        }
    }

    var isTrimmed: Bool { complete > .zero }

    // MARK: One key

    /// The writes of a key below `before`, the youngest first; `visit` says when it has enough.
    ///
    /// - Throws: ``ToolError/Code/damaged`` where a write cannot be read: it may be one of them.
    package func writes(
        scope: String,
        key: String,
        below before: Offset = .max,
        _ visit: (Write) -> Bool
    ) throws(ToolError) {
        let bound = min(before, end)
        for part in parts.reversed() where part.header.base < bound {
            var found: [Write] = []
            try read(part, scope, key, below: bound) { found.append($0) }
            for write in found.reversed() {
                guard visit(write) else { return }
            }
        }
    }

    /// Hands over a key's writes in one segment, in order.
    private func read(
        _ part: Part,
        _ scope: String,
        _ key: String,
        below bound: Offset,
        _ visit: (Write) -> Void
    ) throws(ToolError) {
        var fault = PayloadFault()
        func take(_ record: RecordView) -> Bool {
            fault.met(by: record) { (record) throws(DecodeError) -> Bool in
                guard record.offset < bound else { return false }
                if let write = try Self.write(record), write.event.isOf(scope, key) {
                    visit(write)
                }
                return true
            }
        }
        let indexed = index?.parts.first { $0.header == part.header && $0.end == part.end }
        if let index, let indexed, index.index(of: indexed) != nil {
            let search = Search()
            search.addUnreadableWrites()
            search.add(scope: scope, key: key)
            try pass.find(search, in: index, only: indexed, take)
        } else {
            _ = try pass.readAll(from: part.header.base, until: part.end, take)
        }
        try fault.check()
    }

    /// Nil: the record is about something else.
    static func write(_ record: RecordView) throws(DecodeError) -> Write? {
        switch EventKind(rawValue: record.kind) {
        case .stateSet, .stateDeleted: break
        default: return nil
        }
        guard case .state(let event)? = try Event(record) else { return nil }
        return Write(offset: record.offset, time: record.time, event: event)
    }

    /// What a key was when the record at `offset` had been written.
    ///
    /// Where the write before `offset` was kept, the one that comes next knows whether there was
    /// another one between them; and one that was kept with none behind it is the key's value.
    ///
    /// - Returns: its write; nil: it was not there.
    /// - Throws: ``ToolError/Code/historyTrimmed`` where retention has removed what would tell.
    package func value(
        scope: String,
        key: String,
        at offset: Offset
    ) throws(ToolError) -> Write? {
        try checkIsWritten(offset)
        var next: Write?
        var found: Write?
        // What comes behind matters only where something may be missing.
        let bound: Offset = isTrimmed || offset == .max ? .max : offset.advanced(by: 1)
        try writes(scope: scope, key: key, below: bound) { write in
            if write.offset > offset {
                next = write
                return true
            }
            found = write
            return false
        }
        let value: Write? = if case .set? = found?.event { found } else { nil }
        // Below the oldest complete offset others may have been between what was kept.
        guard isTrimmed, (found?.offset ?? .zero) < complete else { return value }
        if let value, next == nil || next?.event.previous == value.offset { return value }
        // Just before the next write it was not there; but before `complete` it may have been.
        guard offset >= complete, next?.event.previous == nil else {
            throw Self.trimmed(complete)
        }
        return nil
    }

    /// The last record that is not younger than `time`; nil: all are.
    ///
    /// - Throws: ``ToolError/Code/historyTrimmed`` where retention may have removed some that were
    ///   older.
    package func offset(at time: Timestamp) throws(ToolError) -> Offset? {
        var last: Offset?
        let start = index?.offset(before: time) ?? .zero
        try pass.read(from: start) { record in
            guard record.offset < end, record.time <= time else { return false }
            last = record.offset
            return true
        }
        if last == nil, isTrimmed { throw Self.trimmed(complete) }
        return last
    }

    /// - Throws: where the state at `offset` cannot be told.
    func checkIsThere(_ offset: Offset) throws(ToolError) {
        if offset < complete, isTrimmed { throw Self.trimmed(complete) }
        try checkIsWritten(offset)
    }

    /// - Throws: ``ToolError/Code/unknownOffset`` where the log does not reach as far as `offset`,
    ///   which may be the end of time: whatever there is.
    func checkIsWritten(_ offset: Offset) throws(ToolError) {
        guard offset < .max else { return }
        var end = self.end
        if end == .max {
            // A record at or behind it is enough.
            guard let scan = try pass.read(from: offset, { _ in false }) else { return }
            end = scan.next
        }
        guard offset >= end else { return }
        throw ToolError(
            .unknownOffset,
            "offset \(offset) is behind the end of the log, which is \(end)"
        )
    }

    static func trimmed(_ complete: Offset) -> ToolError {
        ToolError(
            .historyTrimmed,
            "retention has removed what would tell; the oldest offset from which on everything is "
                + "there is \(complete)"
        )
    }

    // MARK: Changes

    /// Hands over the writes behind `after`, in order, until `visit` has enough, and then those
    /// that were made together with the last one: all that is written, or nothing.
    ///
    /// - Returns: the last record that was looked at.
    package func changes(
        after: Offset,
        _ visit: (Write) -> Bool
    ) throws(ToolError) -> Offset {
        let start = after.advanced(by: 1)
        if start < complete, isTrimmed { throw Self.trimmed(complete) }
        guard start < end else { return after }
        var last = after
        var enough: Together?
        var fault = PayloadFault()
        try pass.read(from: start, through: entrance) { record in
            fault.met(by: record) { (record) throws(DecodeError) -> Bool in
                guard record.offset < end else { return false }
                // Behind the last one nothing need be there yet.
                let goesOn = record.offset.advanced(by: 1) < end
                if let whole = enough, !whole.isFollowed(by: record) { return false }
                let write = try Self.write(record)
                // Plain writes stand alone, whatever was made at the same time by the same run.
                if enough != nil, let write, write.event.standsAlone { return false }
                last = record.offset
                guard let write else { return goesOn }
                if !visit(write) || enough != nil {
                    guard !write.event.standsAlone else { return false }
                    enough = Together(record)
                }
                return goesOn
            }
        }
        try fault.check()
        return last
    }

    /// What the records of one transaction have in common.
    private struct Together {
        let last: Offset
        let time: Timestamp
        let trace: TraceID?
        let cause: Offset?

        init(_ record: RecordView) {
            last = record.offset
            time = record.time
            trace = record.trace
            cause = record.cause
        }

        func isFollowed(by record: RecordView) -> Bool {
            switch EventKind(rawValue: record.kind) {
            case .stateSet, .stateDeleted: break
            default: return false
            }
            return record.offset == last.advanced(by: 1) && record.time == time
                && record.trace == trace && record.cause == cause
        }
    }
}

extension StateEvent {
    /// Whether it is about this key: names are compared by their bytes.
    fileprivate func isOf(_ scope: String, _ key: String) -> Bool {
        func isSame(_ left: String, _ right: String) -> Bool {
            left == right && left.utf8.elementsEqual(right.utf8)
        }
        return switch self {
        case .set(let set): isSame(set.scope, scope) && isSame(set.key, key)
        case .deleted(let deleted): isSame(deleted.scope, scope) && isSame(deleted.key, key)
        }
    }

    /// Whether no transaction made it.
    fileprivate var standsAlone: Bool {
        switch self {
        case .set(let set): set.function != "state::transact"
        // The record does not tell.
        case .deleted(let deleted): deleted.reason == .expired
        }
    }

    /// The record of the value before; nil: there was none.
    package var previous: Offset? {
        switch self {
        case .set(let set): set.previous
        case .deleted(let deleted): deleted.previous
        }
    }

    package var scope: String {
        switch self {
        case .set(let set): set.scope
        case .deleted(let deleted): deleted.scope
        }
    }

    package var key: String {
        switch self {
        case .set(let set): set.key
        case .deleted(let deleted): deleted.key
        }
    }
}
