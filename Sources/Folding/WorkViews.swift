package import ConfigurationEntries
package import Cron
package import Events
package import HTTP
package import Primitives
package import Queue
package import RecordFormat

/// What is to be done, as the log says: the queues, the cron slots, the triggers that belong to no
/// connection, the state triggers that have fired, and the routes that workers serve. All views but
/// the values: the state and the items of streams.
package struct WorkViews {
    package var queue: QueueView
    package var cron = CronView()
    package private(set) var bindings = BindingView()
    package private(set) var reactions = ReactionView()
    package var requests = KeyedRequestView()
    package private(set) var configuration = ConfigurationView()
    package private(set) var routes = RouteView()
    /// Cron slots that fired and whose run has not ended.
    var openFirings: Set<Offset> = []
    /// The `invoked` records of those runs.
    var firingRuns: [Offset: Offset] = [:]

    /// Views of an empty log; `cacheBytes` is what the queues may keep of what the log holds.
    package init(cacheBytes: Int = .max) {
        queue = QueueView(budget: MemoryBudget(bytes: cacheBytes))
    }

    /// Folds one event; one of the state's or of a stream changes nothing.
    package mutating func apply(
        _ event: Event,
        at offset: Offset,
        time: Timestamp,
        trace: TraceID?,
        cause: Offset?
    ) {
        switch event {
        case .queue(let event):
            queue.apply(event, at: offset, time: time, trace: trace)
        case .cron(let event):
            cron.apply(event, at: offset)
            switch event {
            case .fired: openFirings.insert(offset)
            case .skipped: endFiring(cause, at: time)
            case .watched, .forgotten, .paused, .resumed: break
            }
        case .triggered(let event): reactions.apply(event, at: offset, cause: cause)
        case .invoked(let event):
            reactions.apply(event, at: offset, cause: cause)
            if let cause, !event.isCondition, openFirings.contains(cause) {
                firingRuns[offset] = cause
            }
        case .completed:
            guard let cause else { return }
            reactions.applyEnd(of: cause)
            let firing = openFiring(of: cause)
            firingRuns[cause] = nil
            endFiring(firing, at: time)
        case .started:
            queue.applyRestart()
            reactions.applyRestart()
            requests.applyRestart()
            routes.applyRestart()
            firingRuns = [:]
        case .request(let event): requests.apply(event, at: offset, time: time)
        case .configuration(let event): configuration.apply(event, at: offset)
        case .triggerBound(let event): bindings.apply(event, at: offset)
        case .triggerUnbound(let event): bindings.apply(event)
        case .triggerRegistered(let event): routes.apply(event, at: offset)
        case .triggerUnregistered(let event): routes.apply(event)
        case .workerLeft(let event): routes.apply(event)
        case .stopping: routes.applyStop(at: offset)
        case .state, .stream, .stopped, .workerJoined, .workerDescribed, .functionRegistered,
            .functionUnregistered, .triggerTypeRegistered, .triggerTypeUnregistered, .logged,
            .spanReported, .metricReported, .alertChanged, .telemetryCleared, .responded:
            break
        }
    }

    /// The cron slot that the record at `offset` fired or began a run of, where that has not ended.
    package func openFiring(of offset: Offset) -> Offset? {
        let firing = firingRuns[offset] ?? offset
        return openFirings.contains(firing) ? firing : nil
    }

    private mutating func endFiring(_ firing: Offset?, at time: Timestamp) {
        guard let firing, openFirings.remove(firing) != nil else { return }
        cron.ended(firing: firing, now: time)
    }
}

// MARK: In a snapshot

extension WorkViews {
    /// Writes down what the records so far have made, but for the payloads, which the log still
    /// has. Equal views give equal bytes.
    package func encode(into writer: inout SnapshotWriter) {
        queue.encode(into: &writer)
        cron.encode(into: &writer)
        let runs = firingRuns.sorted { $0.key < $1.key }
        writer.write { $0.varint(UInt64(runs.count)) }
        for (run, firing) in runs {
            writer.write {
                $0.varint(run.rawValue)
                $0.varint(firing.rawValue)
            }
        }
        bindings.encode(into: &writer)
        reactions.encode(into: &writer)
        cron.encodeMarks(into: &writer)
        requests.encode(into: &writer)
        configuration.encode(into: &writer)
        routes.encode(into: &writer)
    }

    /// Views as ``encode(into:)`` wrote them.
    package init(
        from reader: inout ByteReader,
        cacheBytes: Int = .max
    ) throws(DecodeError) {
        self.init(cacheBytes: cacheBytes)
        queue = try QueueView(from: &reader, budget: MemoryBudget(bytes: cacheBytes))
        cron = try CronView(from: &reader)
        openFirings = Set(cron.openFirings.map(\.offset))
        for _ in 0..<(try reader.varint()) {
            let run = Offset(try reader.varint())
            firingRuns[run] = Offset(try reader.varint())
        }
        bindings = try BindingView(from: &reader)
        reactions = try ReactionView(from: &reader)
        try cron.decodeMarks(from: &reader)
        requests = try KeyedRequestView(from: &reader)
        configuration = try ConfigurationView(from: &reader)
        routes = try RouteView(from: &reader)
    }
}
