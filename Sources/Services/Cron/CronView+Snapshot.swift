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
                $0.schedule(schedule)
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
            running[fired.trigger, default: []].insert(offset)
        }
        pruneAt = Int(clamping: try reader.varint())
        for _ in 0..<(try reader.varint()) {
            let schedule = try reader.schedule()
            lastFired[schedule] = Timestamp(nanoseconds: try reader.i64())
        }
    }
}

// MARK: What was added later

extension CronView {
    /// Writes down whose missed slots are wanted, and which schedules are paused.
    package func encodeMarks(into writer: inout SnapshotWriter) {
        writer.write { $0.varint(UInt64(watched.count)) }
        for (schedule, watch) in watched.sorted(by: { $0.key < $1.key }) {
            writer.write {
                $0.schedule(schedule)
                $0.varint(watch.offset.rawValue)
                $0.i64(watch.since.nanoseconds)
            }
        }
        writer.write { $0.varint(UInt64(paused.count)) }
        for (schedule, offset) in paused.sorted(by: { $0.key < $1.key }) {
            writer.write {
                $0.schedule(schedule)
                $0.varint(offset.rawValue)
            }
        }
    }

    /// Reads what ``encodeMarks(into:)`` wrote.
    package mutating func decodeMarks(from reader: inout ByteReader) throws(DecodeError) {
        for _ in 0..<(try reader.varint()) {
            let schedule = try reader.schedule()
            let offset = Offset(try reader.varint())
            let since = Timestamp(nanoseconds: try reader.i64())
            watched[schedule] = Watch(offset: offset, since: since)
        }
        for _ in 0..<(try reader.varint()) {
            let schedule = try reader.schedule()
            paused[schedule] = Offset(try reader.varint())
        }
    }
}

extension ByteWriter {
    fileprivate mutating func schedule(_ schedule: CronView.Schedule) {
        text(schedule.function.namespace)
        text(schedule.function.id)
        text(schedule.expression)
    }
}

extension ByteReader {
    fileprivate mutating func schedule() throws(DecodeError) -> CronView.Schedule {
        let namespace = try text()
        let function = FunctionName(namespace: namespace, id: try text())
        return CronView.Schedule(function: function, expression: try text())
    }
}
