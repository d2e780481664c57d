import Primitives
import Cron
import Queue
package import RecordFormat
import State

extension Views {
    /// Writes down what the records so far have made, but for what the log itself still has:
    /// payloads and values. Equal views give equal bytes.
    package func encode(into writer: inout SnapshotWriter) {
        queue.encode(into: &writer)
        state.encode(into: &writer)
        cron.encode(into: &writer)
        let runs = firingRuns.sorted { $0.key < $1.key }
        writer.write { $0.varint(UInt64(runs.count)) }
        for (run, firing) in runs {
            writer.write {
                $0.varint(run.rawValue)
                $0.varint(firing.rawValue)
            }
        }
    }

    /// Views as ``encode(into:)`` wrote them; the other parameters as for views of nothing.
    package init(
        from reader: inout ByteReader,
        maxValueBytes: Int? = nil,
        cacheBytes: Int = .max
    ) throws(DecodeError) {
        self.init(maxValueBytes: maxValueBytes, cacheBytes: cacheBytes)
        queue = try QueueView(
            from: &reader,
            budget: MemoryBudget(bytes: Self.share(of: cacheBytes))
        )
        try state.decode(from: &reader)
        cron = try CronView(from: &reader)
        openFirings = Set(cron.openFirings.map(\.offset))
        for _ in 0..<(try reader.varint()) {
            let run = Offset(try reader.varint())
            firingRuns[run] = Offset(try reader.varint())
        }
    }
}
