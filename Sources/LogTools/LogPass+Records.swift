import Primitives
import RecordFormat

extension LogPass {
    /// Those of the records at `offsets` that are there, in one pass.
    func records(at offsets: some Sequence<Offset>) throws(ToolError) -> [Offset: LogRecord] {
        let wanted = Set(offsets)
        guard let first = wanted.min(), let last = wanted.max() else { return [:] }
        var found: [Offset: LogRecord] = [:]
        try read(from: first) { record in
            guard record.offset <= last else { return false }
            if wanted.contains(record.offset) { found[record.offset] = LogRecord(record) }
            return record.offset < last
        }
        return found
    }
}
