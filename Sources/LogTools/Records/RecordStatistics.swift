import Events
import Primitives
import RecordFormat

/// How many records there are of each kind, queue, function or minute, and how large they are.
/// Bounded: beyond so many groups, records are counted together.
package struct RecordStatistics {
    package enum Grouping: String, Sendable {
        case kind, queue, function, minute
    }

    /// The records of one group.
    struct Group: Equatable, Sendable {
        private(set) var records = 0
        /// Of payloads.
        private(set) var byteCount = 0
        private(set) var first = Offset.zero
        private(set) var last = Offset.zero
        private(set) var firstTime = Timestamp(nanoseconds: 0)
        private(set) var lastTime = Timestamp(nanoseconds: 0)

        mutating func add(_ record: RecordView) {
            if records == 0 {
                first = record.offset
                firstTime = record.time
            }
            records += 1
            byteCount += record.payload.count
            last = record.offset
            lastTime = record.time
        }
    }

    let grouping: Grouping
    private var table: BoundedTable<Group>
    /// Of records that say nothing of a queue, or of a function.
    private(set) var unnamed = Group()
    /// Of records whose groups found no room.
    private(set) var others = Group()
    private(set) var total = Group()
    private(set) var histograms: RecordHistograms?
    package private(set) var damages: [String] = []

    /// Counts sizes and times, too, where `hasHistograms` says so; tells `limit` groups apart.
    ///
    /// - Throws: ``ToolError`` when the files cannot be read.
    package init(
        _ pass: LogPass,
        _ filter: RecordFilter,
        by grouping: Grouping,
        hasHistograms: Bool = false,
        limit: Int = TableLimits.rows
    ) throws(ToolError) {
        self.grouping = grouping
        table = BoundedTable(rowLimit: limit)
        histograms = hasHistograms ? RecordHistograms() : nil
        let found = try pass.read(filter) { record, isWanted in take(record, isWanted) }
        damages = found
    }

    package var isEmpty: Bool { total.records == 0 }

    /// Records whose groups are not told apart.
    package var untold: Int { others.records }

    /// The groups that have a name: minutes in their order, the others by their records.
    var groups: [(name: String, group: Group)] {
        let groups = table.rows.map { (name: $0.key, group: $0.value) }
        let sorted = groups.sorted { left, right in
            if grouping != .minute, left.group.records != right.group.records {
                return left.group.records > right.group.records
            }
            return left.name < right.name
        }
        return sorted.map { (name: $0.name.text, group: $0.group) }
    }

    private mutating func take(_ record: RecordView, _ isWanted: Bool) {
        histograms?.take(record, isWanted)
        guard isWanted else { return }
        total.add(record)
        guard let name = name(of: record) else { return unnamed.add(record) }
        let isThere = table.change(name, from: Group()) { $0.add(record) }
        if !isThere { others.add(record) }
    }

    private func name(of record: RecordView) -> String? {
        switch grouping {
        case .kind: return EventKind.name(of: record.kind)
        case .minute: return Self.minute(of: record.time)
        case .queue: return Self.text("queue", of: LogRecord(record).event?.fields ?? [])
        case .function:
            let fields = LogRecord(record).event?.fields ?? []
            guard let id = Self.text("function", of: fields) else { return nil }
            // Functions of two namespaces may have the same id.
            let namespace = Self.text("namespace", of: fields) ?? FunctionName.defaultNamespace
            return FunctionName(namespace: namespace, id: id).description
        }
    }

    private static func text(_ name: String, of fields: [EventField]) -> String? {
        fields.first { $0.name == name }?.text
    }

    private static func minute(of time: Timestamp) -> String {
        // Rounded down, before 1970, too.
        let past = (time.seconds % 60 + 60) % 60
        return Timestamp(seconds: time.seconds - past).rfc3339()
    }
}
