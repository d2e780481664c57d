import Events
import Primitives
package import RecordFormat

// What a snapshot holds of cron: which slots have been fired, and which of their runs have not
// ended. Triggers are their workers' to register.

extension CronView {
    package func encode(into writer: inout SnapshotWriter) {
        writer.write { $0.varint(UInt64(open.count)) }
        for (offset, fired) in openFirings {
            writer.write {
                $0.varint(offset.rawValue)
                fired.encode(into: &$0)
            }
        }
        writer.write {
            $0.varint(UInt64(pruneAt))
            $0.varint(UInt64(lastFired.count))
        }
        for (schedule, time) in lastFired.sorted(by: { $0.key < $1.key }) {
            writer.write {
                $0.text(schedule.function.namespace)
                $0.text(schedule.function.id)
                $0.text(schedule.expression)
                $0.i64(time.nanoseconds)
            }
        }
    }

    /// Reads what ``encode(into:)`` wrote.
    package init(from reader: inout ByteReader) throws(DecodeError) {
        self.init()
        for _ in 0..<(try reader.varint()) {
            let offset = Offset(try reader.varint())
            let fired = try CronFired(from: &reader)
            open[offset] = fired
            running[fired.trigger] = offset
        }
        pruneAt = Int(clamping: try reader.varint())
        for _ in 0..<(try reader.varint()) {
            let namespace = try reader.text()
            let function = FunctionName(namespace: namespace, id: try reader.text())
            let schedule = Schedule(function: function, expression: try reader.text())
            lastFired[schedule] = Timestamp(nanoseconds: try reader.i64())
        }
    }
}
