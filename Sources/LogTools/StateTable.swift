import CommitLog
import Events
import JSON
package import Primitives
import RecordFormat
import State

/// A place in the log, as a command line names it.
package enum LogMoment: Equatable, Sendable {
    case end
    /// What the records up to this one made, itself included.
    case offset(Offset)
    case time(Timestamp)

    /// What `text` names, an offset or a ``TimeExpression``; nil: the end.
    ///
    /// - Throws: ``ToolError`` for anything else.
    package init(_ text: String?) throws(ToolError) {
        guard let text else {
            self = .end
            return
        }
        if let offset = UInt64(text), Offset(offset) <= .limit {
            self = .offset(Offset(offset))
        } else {
            self = .time(try TimeExpression.parse(text, now: SystemClock().now().wall))
        }
    }

    /// Whether what this record made counts.
    func includes(_ record: RecordView) -> Bool {
        switch self {
        case .end: true
        case .offset(let offset): record.offset <= offset
        case .time(let time): record.time <= time
        }
    }
}

/// What `iii-log state` prints: entries as JSON, one a line.
package struct StateTable {
    let pass: LogPass

    package init(_ pass: LogPass) { self.pass = pass }

    // MARK: One key

    package func get(
        _ scope: String,
        _ key: String,
        at moment: LogMoment,
        to output: Output
    ) throws(ToolError) {
        let log = try StateLog(pass)
        guard let offset = try offset(of: moment, log) else { throw missing(scope, key) }
        guard let write = try log.value(scope: scope, key: key, at: offset),
            case .set(let set) = write.event
        else { throw missing(scope, key) }
        let answer = StateAnswer.revised(set.value, write.offset.rawValue, set.expires)
        output.line(String(decoding: answer, as: UTF8.self))
    }

    package func history(
        _ scope: String,
        _ key: String,
        _ limit: Int,
        at moment: LogMoment,
        to output: Output
    ) throws(ToolError) {
        let log = try StateLog(pass)
        guard let offset = try offset(of: moment, log) else { return }
        try log.checkIsWritten(offset)
        var left = limit
        let bound = offset == .max ? offset : offset.advanced(by: 1)
        try log.writes(scope: scope, key: key, below: bound) { write in
            guard left > 0 else { return false }
            left -= 1
            var json = JSONBuilder()
            write.write(into: &json, withPlace: false)
            output.line(json.finish().description)
            return true
        }
    }

    /// The last record that counts; nil: none does.
    private func offset(of moment: LogMoment, _ log: StateLog) throws(ToolError) -> Offset? {
        switch moment {
        case .end: .max
        case .offset(let offset): offset
        case .time(let time): try log.offset(at: time)
        }
    }

    private func missing(_ scope: String, _ key: String) -> ToolError {
        ToolError(
            .unknownKey,
            "\(scope.visible)/\(key.visible) is not there, or was not then"
        )
    }

    // MARK: Scopes

    /// Where `scope` is nil, the scopes with the number of their keys.
    package func list(
        _ scope: String?,
        at moment: LogMoment,
        to output: Output
    ) throws(ToolError) {
        let state = try fold(at: moment, scope, keepsValues: scope != nil)
        guard let scope else {
            for name in state.scopeNames {
                var json = JSONBuilder()
                json.beginObject()
                json.key("scope")
                json.string(name)
                json.key("keys")
                json.integer(state.entries(ofScope: name).count)
                json.endObject()
                output.line(json.finish().description)
            }
            return
        }
        for (key, entry) in state.entries(ofScope: scope) {
            output.line(Self.line(scope, key, entry))
        }
    }

    private static func line(_ scope: String, _ key: String, _ entry: StateEntry) -> String {
        var json = JSONBuilder()
        json.beginObject()
        json.key("scope")
        json.string(scope)
        json.key("key")
        json.string(key)
        json.key("value")
        if let value = entry.value { json.raw(bytes: value) } else { json.null() }
        json.key("revision")
        json.integer(entry.version.rawValue)
        json.endObject()
        return json.finish().description
    }

    /// The state at a moment: of one scope, or all of it.
    ///
    /// - Throws: ``ToolError/Code/historyTrimmed`` where retention has removed what would tell: the
    ///   write that comes next knows which one was the last before it. And
    ///   ``ToolError/Code/damaged`` where a write cannot be read.
    func fold(
        at moment: LogMoment,
        _ scope: String?,
        keepsValues: Bool
    ) throws(ToolError) -> StateView {
        let log = try StateLog(pass)
        if let offset = try offset(of: moment, log), offset < .max { try log.checkIsThere(offset) }
        var state = StateView(cacheBytes: keepsValues ? .max : 0)
        var written: Set<Place> = []
        var isWhole = true
        let scan = try LogFold.run(pass) { (record) throws(DecodeError) -> Bool in
            let counts = moment.includes(record)
            guard counts || log.isTrimmed else { return false }
            guard let event = try StateLog.write(record)?.event,
                scope.map({ event.scope.utf8.elementsEqual($0.utf8) }) ?? true
            else { return true }
            if counts {
                state.apply(event, at: record.offset)
            } else if written.insert(Place(event)).inserted {
                let entry = state.entry(scope: event.scope, key: event.key)
                isWhole = entry?.version == event.previous
            }
            return isWhole
        }
        guard isWhole else { throw LogDigest.trimmed(try LogDigest.oldest(pass) ?? log.complete) }
        if case .offset(let offset) = moment, let scan, scan.next <= offset {
            throw LogFold.unknown(offset, scan.next)
        }
        return state
    }

    private struct Place: Hashable {
        let scope: Name
        let key: Name

        init(_ event: StateEvent) {
            scope = Name(event.scope)
            key = Name(event.key)
        }
    }
}
