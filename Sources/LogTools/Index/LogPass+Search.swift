import CommitLog
import Primitives
import RecordFormat

extension LogPass {
    /// Hands over, in the order of the log, at least the records that `search` asks for, and
    /// others, until `visit` returns false or the log ends; of the one part `only`, where there is
    /// one. Reads single batches of the segments that have an index, and of the others everything,
    /// or nothing where `isIndexedOnly` says so.
    ///
    /// - Throws: ``ToolError/Code/damaged`` where index and log do not go together, or a record is
    ///   damaged: read everything then.
    func find(
        _ search: Search,
        in index: LogIndex,
        only: LogIndex.Part? = nil,
        isIndexedOnly: Bool = false,
        _ visit: (RecordView) -> Bool
    ) throws(ToolError) {
        for part in only.map({ [$0] }) ?? index.parts where part.header.base < part.end {
            let goesOn: Bool
            if let segment = index.index(of: part) {
                goesOn = try read(part, segment, search, visit)
            } else if isIndexedOnly {
                continue
            } else {
                goesOn = try readAll(from: part.header.base, until: part.end, visit) != nil
            }
            guard goesOn else { return }
        }
    }

    /// - Returns: false when `visit` stopped the pass.
    private func read(
        _ part: LogIndex.Part,
        _ index: SegmentIndex,
        _ search: Search,
        _ visit: (RecordView) -> Bool
    ) throws(ToolError) -> Bool {
        defer { index.forget() }
        var batches = Batches(index, search)
        var isStopped = false
        var reader = LogReader(source)
        do throws(LogError) {
            try reader.read(part.header, batches: { batches.next() }) {
                record throws(DecodeError) in
                guard !visit(record) else { return }
                isStopped = true
                throw Self.stop
            }
        } catch {
            if isStopped { return false }
            if case .damaged = error { throw ToolError(.damaged, error.description) }
            throw Self.converted(error)
        }
        if batches.isFaulty {
            throw ToolError(.damaged, "the index of segment \(part.header.number) is damaged")
        }
        return true
    }
}

/// The batches of a segment that a search asks for, ascending, also while it asks for more.
private struct Batches {
    private let index: SegmentIndex
    private let search: Search
    /// How many of the search's keys were looked up.
    private var asked = 0
    /// Where batches start, in bytes, descending.
    private var waiting: [Int] = []
    private var last = 0
    /// Whether the index could not be read.
    private(set) var isFaulty = false

    init(_ index: SegmentIndex, _ search: Search) {
        self.index = index
        self.search = search
    }

    mutating func next() -> Int? {
        do throws(SegmentIndex.Fault) {
            try ask()
        } catch {
            isFaulty = true
            return nil
        }
        guard let position = waiting.popLast() else { return nil }
        last = position
        return position
    }

    private mutating func ask() throws(SegmentIndex.Fault) {
        guard asked < search.keys.count else { return }
        var positions = Set(waiting)
        for key in search.keys[asked...] {
            // What a record leads to comes behind it.
            for position in try index.positions(key) where position > last {
                positions.insert(position)
            }
        }
        asked = search.keys.count
        waiting = positions.sorted(by: >)
    }
}
