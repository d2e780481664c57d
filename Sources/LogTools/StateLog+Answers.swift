package import CommitLog
import Events
import JSON
package import Primitives
package import State

/// What the log answers to a ``StateQuestion``.
package struct StateReading: Sendable {
    package let result: FunctionResult
    /// Whether there were no changes; others are never empty.
    package let isEmpty: Bool
    /// The last record that was looked at for changes.
    package let last: Offset

    package init(result: FunctionResult, isEmpty: Bool = false, last: Offset = .zero) {
        self.result = result
        self.isEmpty = isEmpty
        self.last = last
    }

    /// A page of an answer ends behind the value with which it has so many bytes.
    private static let pageBytes = 1 << 20
    /// Records that are looked at for changes before an answer says how far it came.
    private static let scanRecords: UInt64 = 1 << 20

    /// Reads the log for a question, as far as it has records below `end`, and for changes from
    /// `entrance` on. Retention may put another segment in the place of one that is being read, and
    /// does so with one after the other: then it is read anew, a few times.
    package init(
        _ question: StateQuestion,
        below end: Offset,
        through entrance: ScanStart? = nil,
        of directory: String
    ) {
        let attempts = 5
        for attempt in 1...attempts {
            do throws(ToolError) {
                let log = try StateLog(
                    LogPass(.directory(directory)),
                    below: end,
                    through: entrance
                )
                if case .changes(let question) = question {
                    try log.checkIsWritten(question.after)
                }
                self = try Self(question, log, end)
                return
            } catch  where attempt < attempts && error.code == .damaged {
                continue
            } catch {
                self.init(result: .failure(Self.failure(error)))
                return
            }
        }
        preconditionFailure("the last attempt ends in one way or another")
    }

    /// - Throws: why the log cannot tell.
    package init(
        _ question: StateQuestion,
        _ log: StateLog,
        _ end: Offset
    ) throws(ToolError) {
        switch question {
        case .value(let question): self = try Self.value(question, log)
        case .history(let question): self = try Self.history(question, log)
        case .changes(let question): self = try Self.changes(question, log, end)
        }
    }

    private static func failure(_ error: ToolError) -> ErrorBody {
        let code =
            switch error.code {
            case .historyTrimmed: "HISTORY_TRIMMED"
            case .unknownOffset: "UNKNOWN_OFFSET"
            case .unreadable: "read_refused"
            default: "record_unreadable"
            }
        return ErrorBody(code: code, message: error.message)
    }

    private static func value(
        _ question: StateQuestion.Value,
        _ log: StateLog
    ) throws(ToolError) -> StateReading {
        let offset: Offset
        switch question.at {
        case .offset(let given): offset = given
        case .time(let time):
            guard let last = try log.offset(at: time) else { return none(question) }
            offset = last
        }
        guard let write = try log.value(scope: question.scope, key: question.key, at: offset),
            case .set(let set) = write.event
        else { return none(question) }
        guard question.withRevision else { return StateReading(result: .value(set.value)) }
        let answer = StateAnswer.revised(set.value, write.offset.rawValue, set.expires)
        return StateReading(result: .value(answer))
    }

    private static func none(_ question: StateQuestion.Value) -> StateReading {
        guard question.withRevision else { return StateReading(result: .none) }
        return StateReading(result: .value(StateAnswer.revised(nil, 0, nil)))
    }

    private static func history(
        _ question: StateQuestion.History,
        _ log: StateLog
    ) throws(ToolError) -> StateReading {
        if let before = question.before, before <= log.complete, log.complete > .zero {
            throw StateLog.trimmed(log.complete)
        }
        var json = JSONBuilder()
        json.beginObject()
        json.key("entries")
        json.beginArray()
        var count = 0
        var bytes = 0
        var last: Offset?
        var hasMore = false
        try log.writes(
            scope: question.scope,
            key: question.key,
            below: question.before ?? .max
        ) { write in
            guard count < question.limit, bytes < pageBytes else {
                hasMore = true
                return false
            }
            write.write(into: &json, withPlace: false)
            count += 1
            bytes += write.byteCount
            last = write.offset
            return true
        }
        json.endArray()
        json.key("before")
        if hasMore, let last { json.integer(last.rawValue) } else { json.null() }
        if log.complete > .zero {
            // Older entries are those that retention had to keep.
            json.key("oldest_offset")
            json.integer(log.complete.rawValue)
        }
        json.endObject()
        return StateReading(result: .value(json.finish().bytes))
    }

    private static func changes(
        _ question: StateQuestion.Changes,
        _ log: StateLog,
        _ end: Offset
    ) throws(ToolError) -> StateReading {
        var json = JSONBuilder()
        json.beginObject()
        json.key("changes")
        json.beginArray()
        var count = 0
        var bytes = 0
        let last = try log.changes(after: question.after) { write in
            if question.concerns(scope: write.event.scope, key: write.event.key) {
                write.write(into: &json, withPlace: true)
                count += 1
                bytes += write.byteCount
            }
            return count < question.limit && bytes < pageBytes
                && write.offset.rawValue - question.after.rawValue < scanRecords
        }
        let isAtEnd = last.advanced(by: 1) >= end
        StateAnswer.endChanges(&json, next: last, isAtEnd: isAtEnd)
        return StateReading(
            result: .value(json.finish().bytes),
            isEmpty: count == 0 && isAtEnd,
            last: last
        )
    }
}

extension StateLog.Write {
    /// Roughly what it adds to an answer.
    var byteCount: Int {
        guard case .set(let set) = event else { return 128 }
        return 128 + set.value.count
    }

    /// `set`, `deleted` or `expired`.
    package var kind: String {
        switch event {
        case .set: "set"
        case .deleted(let deleted): deleted.reason == .expired ? "expired" : "deleted"
        }
    }

    func write(into json: inout JSONBuilder, withPlace: Bool) {
        json.beginObject()
        json.key("revision")
        json.integer(offset.rawValue)
        json.key("time")
        json.string(time.rfc3339())
        if withPlace {
            json.key("scope")
            json.string(event.scope)
            json.key("key")
            json.string(event.key)
        }
        json.key("kind")
        json.string(kind)
        if case .set(let set) = event {
            json.key("value")
            json.raw(bytes: set.value)
            json.key("function")
            json.string(set.function)
            if let expires = set.expires {
                json.key("expires_at")
                json.integer(expires.milliseconds)
            }
        }
        json.endObject()
    }
}
