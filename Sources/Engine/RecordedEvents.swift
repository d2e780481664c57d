import CommitLog
import Disk
import Events
import Primitives
import RecordFormat

extension CommitLog where Store: ~Copyable {
    /// Reads what the log says at an offset, and waits for it: `take` gets the event, its time and
    /// its trace, and answers what of them is wanted, or nil where the record is another than it
    /// knows. Throws where the record cannot be read.
    mutating func event<Wanted>(
        at offset: Offset,
        _ take: (Event, Timestamp, TraceID?) -> Wanted?
    ) throws(LogError) -> Wanted? {
        try record(at: offset) { record in
            (try? Event(record)).flatMap { take($0, record.time, record.trace) }
        }
    }
}
