import CommitLog
import Events
package import Primitives
import RecordFormat

/// What a history can be asked for by.
package enum HistoryID: Equatable, Sendable {
    case trace(TraceID)
    /// 6 to 32 lower-case hexadecimal digits that a trace id begins with.
    case tracePrefix(String)
    case offset(Offset)
    /// Decimal digits, fewer than a trace id has, that are an offset and begin one perhaps.
    case offsetOrPrefix(Offset, String)
    /// An invocation or a receipt.
    case uuid(UUID128)

    private static let shortestPrefix = 6
    private static let traceDigits = 32

    /// - Throws: ``ToolError`` with the forms that there are.
    package init(_ text: String) throws(ToolError) {
        let id = text.lowercased()
        if let trace = TraceID(id) ?? TraceParent(id)?.trace {
            self = .trace(trace)
        } else if let uuid = UUID128(id) {
            self = .uuid(uuid)
        } else if id.first == "@", let number = UInt64(id.dropFirst()) {
            self = .offset(Offset(number))
        } else if id.utf8.count < Self.traceDigits, let number = UInt64(id),
            id.utf8.allSatisfy({ $0 != UInt8(ascii: "+") })
        {
            let isPrefix = id.utf8.count >= Self.shortestPrefix
            self = isPrefix ? .offsetOrPrefix(Offset(number), id) : .offset(Offset(number))
        } else if (Self.shortestPrefix...Self.traceDigits).contains(id.utf8.count),
            id.utf8.allSatisfy({ Self.isHexadecimal($0) })
        {
            // With all digits it is the one trace id that there never is: of zeros.
            self = .tracePrefix(id)
        } else {
            throw ToolError(
                .malformedID,
                "'\(text.visible)' is no id; give a trace id (32 hexadecimal digits, or at "
                    + "least the first \(Self.shortestPrefix)), an offset, or the UUID of an "
                    + "invocation or a receipt"
            )
        }
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
    }
}

/// Finds the history that an id means.
package struct HistoryFinder {
    private let pass: LogPass
    private var index: LogIndex?
    /// Whether what was found was found by way of indexes.
    package var isIndexed: Bool { index != nil }
    /// Damages that were met: records may be missing from what was found.
    package private(set) var damages: [String] = []

    /// What the records of a history may have, in bytes of memory.
    private let room: Int

    /// A history with more than `room` bytes is not kept in memory: it is
    /// ``ToolError/Code/tooLarge``.
    package init(_ pass: LogPass, room: Int = .max) {
        self.pass = pass
        self.room = room
    }

    /// With indexes, reads what belongs to the history and little else; without, the log once, or
    /// twice where `id` has to be looked up first.
    ///
    /// - Throws: ``ToolError`` with ``ToolError/Code/unknownID``, ``ToolError/Code/ambiguousID`` or
    ///   ``ToolError/Code/tooLarge``.
    package mutating func history(of id: HistoryID) throws(ToolError) -> History {
        if let index = try LogIndex(pass) {
            do throws(ToolError) {
                return try history(of: id, index)
            } catch  where error.code == .damaged {
                // A full pass says what is wrong, and shows what is intact.
            }
        }
        return try history(of: id, nil)
    }

    private mutating func history(
        of id: HistoryID,
        _ index: LogIndex?
    ) throws(ToolError) -> History {
        self.index = index
        var trace: TraceID?
        var root: Offset?
        switch id {
        case .trace(let known): trace = known
        case .tracePrefix(let prefix): trace = try find(prefix: prefix, else: nil)
        case .offset(let offset): (trace, root) = try find(offset)
        case .offsetOrPrefix(let offset, let prefix):
            trace = try find(prefix: prefix, else: offset)
            if trace == nil { (trace, root) = try find(offset) }
        case .uuid(let uuid): trace = try find(uuid)
        }
        let found =
            if let index {
                try IndexedHistory(pass, index, room: room).history(trace: trace, root: root)
            } else {
                try collect(trace, root)
            }
        guard let found else { throw unknown("trace \(trace.map(\.description) ?? "")") }
        return found
    }

    private mutating func collect(_ trace: TraceID?, _ root: Offset?) throws(ToolError) -> History?
    {
        var collector = HistoryCollector(trace: trace, root: root)
        let room = room
        try read { record in
            collector.take(record)
            return collector.byteCount <= room
        }
        guard collector.byteCount <= room else { throw Self.tooLarge(room) }
        return collector.finish()
    }

    /// Passes over the log, and keeps in mind what is damaged. With indexes only what `search` asks
    /// for need be handed over.
    private mutating func read(
        _ search: Search = Search(),
        _ visit: (RecordView) -> Bool
    ) throws(ToolError) {
        if let index { return try pass.find(search, in: index, visit) }
        if let scan = try pass.read(visit) { damages = scan.damages.map(\.description) }
    }

    private func unknown(_ what: String) -> ToolError {
        let loss = damages.isEmpty ? "" : "; the log is damaged, it may have been among the lost"
        return ToolError(
            .unknownID,
            "nothing in this log belongs to \(what)\(loss); `iii-log show` lists what there is, "
                + "and -D names another data directory"
        )
    }

    // MARK: Looking up

    private static let listed = 8

    private mutating func find(prefix: String, else offset: Offset?) throws(ToolError) -> TraceID? {
        var hasOffset = false
        if let offset { hasOffset = try record(at: offset) != nil }
        let search = Search()
        search.add(prefix: prefix)
        var found: [TraceID] = []
        try read(search) { record in
            if let trace = record.trace, !found.contains(trace),
                trace.description.hasPrefix(prefix)
            {
                found.append(trace)
            }
            return found.count <= Self.listed
        }
        let names = found.prefix(Self.listed).map(\.description) + (hasOffset ? ["@\(prefix)"] : [])
        if names.count > 1 || found.count > Self.listed {
            throw Self.ambiguous("'\(prefix)'", names, hasMore: found.count > Self.listed)
        }
        if found.isEmpty, !hasOffset { throw unknown("'\(prefix)'") }
        return found.first
    }

    private mutating func find(_ uuid: UUID128) throws(ToolError) -> TraceID {
        let search = Search()
        search.add(id: uuid)
        var found: [TraceID] = []
        try read(search) { record in
            guard let trace = record.trace, !found.contains(trace) else { return true }
            switch EventKind(rawValue: record.kind) {
            case .invoked, .delivered, .enqueued:
                if LogRecord(record).event?.names(uuid) == true { found.append(trace) }
            default:
                break
            }
            return found.count <= Self.listed
        }
        guard let first = found.first else { throw unknown("invocation or receipt \(uuid)") }
        guard found.count == 1 else {
            throw Self.ambiguous(
                "\(uuid)",
                found.prefix(Self.listed).map(\.description),
                hasMore: found.count > Self.listed
            )
        }
        return first
    }

    /// The trace of a record. One without a trace has that of its cause, or none: then it is the
    /// root of what it led to.
    private mutating func find(_ offset: Offset) throws(ToolError) -> (TraceID?, Offset) {
        var place = offset
        while true {
            guard let record = try record(at: place) else {
                if place == offset { throw unknown("offset \(offset)") }
                return (nil, offset)
            }
            guard record.trace == nil, let cause = record.cause else {
                return (record.trace, place)
            }
            place = cause
        }
    }

    /// Nil: there is none.
    private mutating func record(at offset: Offset) throws(ToolError) -> LogRecord? {
        var found: LogRecord?
        let scan = try pass.read(from: offset) { record in
            if record.offset == offset { found = LogRecord(record) }
            return false
        }
        if let scan { damages = scan.damages.map(\.description) }
        return found
    }

    static func tooLarge(_ room: Int) -> ToolError {
        ToolError(
            .tooLarge,
            "the records of this request have more than \(room >> 20) MiB; `iii-log replay` shows "
                + "all of them"
        )
    }

    private static func ambiguous(
        _ id: String,
        _ names: some Sequence<String>,
        hasMore: Bool
    ) -> ToolError {
        let list = names.map { "\n  \($0)" }.joined() + (hasMore ? "\n  …" : "")
        return ToolError(.ambiguousID, "\(id) means more than one thing; name one of these:\(list)")
    }
}

extension Event {
    /// Whether the event says that something is called `uuid`.
    fileprivate func names(_ uuid: UUID128) -> Bool {
        switch self {
        case .invoked(let event): event.invocation == uuid
        case .queue(.delivered(let event)): event.invocation == uuid
        case .queue(.enqueued(let event)): event.receipt == uuid
        default: false
        }
    }
}
