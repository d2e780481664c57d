import Primitives
import RecordFormat

/// Finds the records of one request by way of the indexes: the same history as a pass over
/// everything.
struct IndexedHistory {
    private let pass: LogPass
    private let index: LogIndex
    private var records: [LogRecord] = []
    /// What may matter of what happened around them.
    private var around: [Offset: LogRecord] = [:]

    /// What the records may take in memory, in bytes, and what they do.
    private let room: Int
    private var byteCount = 0

    init(_ pass: LogPass, _ index: LogIndex, room: Int) {
        self.pass = pass
        self.index = index
        self.room = room
    }

    /// - Parameters: as of ``HistoryCollector``.
    /// - Returns: nil when no record belongs to it.
    consuming func history(trace: TraceID?, root: Offset?) throws(ToolError) -> History? {
        try findMembers(trace, root)
        try findSurroundings()
        let events = around.values.sorted { $0.offset < $1.offset }
        var surroundings = HistorySurroundings()
        var next = 0
        for record in records {
            while next < events.count, events[next].offset <= record.offset {
                surroundings.follow(events[next])
                next += 1
            }
            surroundings.add(record)
        }
        for record in events[next...] { surroundings.follow(record) }
        return History(trace: trace, records: records, surroundings)
    }

    private mutating func findMembers(_ trace: TraceID?, _ root: Offset?) throws(ToolError) {
        let search = Search()
        var members = HistoryMembers(trace: trace, root: root)
        func take(_ record: RecordView) {
            // The first of those without a trace was there before the pass.
            if let last = records.last, record.offset <= last.offset { return }
            guard members.take(record) else { return }
            records.append(LogRecord(record))
            byteCount += record.memoryBytes
            if let trace = record.trace, members.traces.contains(trace) { search.add(trace: trace) }
            search.add(effectsOf: record.offset)
        }
        if let trace {
            search.add(trace: trace)
        } else if let root {
            try pass.read(from: root) { record in
                if record.offset == root { take(record) }
                return false
            }
        }
        try pass.find(search, in: index) { record in
            note(record)
            take(record)
            return byteCount <= room
        }
        guard byteCount <= room else { throw HistoryFinder.tooLarge(room) }
    }

    /// What happened around can have happened before, so it takes a pass of its own; where there is
    /// no index, the first one saw it.
    private mutating func findSurroundings() throws(ToolError) {
        guard !records.isEmpty else { return }
        let search = Search()
        search.addStarts()
        for record in records {
            for worker in record.workers { search.add(worker: worker) }
        }
        try pass.find(search, in: index, isIndexedOnly: true) { record in
            note(record)
            return true
        }
    }

    private mutating func note(_ record: RecordView) {
        if HistorySurroundings.concerns(record) { around[record.offset] = LogRecord(record) }
    }
}
