import CommitLog
import Disk
import Events
import JSON
import Observability
import Primitives

// What workers report about their work. It is recorded and kept; nobody waits for it.

extension Engine where Store: ~Copyable {
    /// What an entry takes in memory beside its bytes, roughly.
    private static var entryBytes: Int { 256 }
    /// How often, at the most, it is told that telemetry is dropped, in nanoseconds.
    private static var dropNoticeInterval: UInt64 { 10_000_000_000 }

    mutating func report(_ batch: TelemetryBatch) throws(LogError) {
        tell(batch.dropped)
        for item in batch.items where telemetry.takes(item) {
            let event = item.event
            let bytes = event.byteCount
            guard bytes < options.payloadBytes else { continue }
            // What only begins is told again when it ends.
            if !item.isPending { try record(event, trace: item.trace) }
            telemetry.apply(item, bytes: bytes + Self.entryBytes, at: now.wall)
        }
    }

    private mutating func tell(_ dropped: DroppedFrames) {
        guard dropped != DroppedFrames() else { return }
        telemetry.apply(dropped)
        droppedFrames += dropped.spans + dropped.others
        if let last = lastDropNotice, now.monotonic - last < Self.dropNoticeInterval { return }
        lastDropNotice = now.monotonic
        notice(
            .warning,
            "telemetry came faster than it could be recorded: \(droppedFrames) messages of spans, "
                + "metrics or logs were dropped since the start"
        )
    }

    /// `engine::log::…`: a line like those that workers report, but for whom it belongs to.
    mutating func log(
        _ function: LogFunction,
        _ input: JSONText,
        _ origin: Origin
    ) throws(LogError) -> Outcome {
        let line: LogLine
        do throws(ErrorBody) {
            line = try function.decide(input, version: options.version)
        } catch {
            return .failure(error)
        }
        guard telemetry.takes(.log(line)) else { return Outcome(result: .none) }
        let event = Event.logged(line.record)
        try record(event, trace: line.trace ?? origin.trace, cause: origin.cause)
        telemetry.apply(.log(line), bytes: event.byteCount + Self.entryBytes, at: now.wall)
        return Outcome(result: .none)
    }

    /// Runs a function that looks into telemetry, for a caller with that baggage.
    mutating func look(
        _ function: TelemetryFunction,
        _ input: JSONText,
        baggage: String?
    ) -> Outcome {
        let context = TelemetryContext(
            now: now.wall,
            version: options.version,
            activeWorkers: registry.workers.count,
            baggage: baggage
        )
        do throws(ErrorBody) {
            let answer = try telemetry.answer(function, input, context)
            return Outcome(result: .value(answer.bytes), after: newest)
        } catch {
            return .failure(error)
        }
    }
}
