import Events
import Primitives

@testable import Cron

/// The engine's part around a view: events are logged, then applied; runs end when the test says
/// so, or at once; a restart folds the log again.
struct CronJournal {
    private enum Record {
        case event(CronEvent)
        case ended(Offset, now: Timestamp)
    }

    private(set) var view = CronView()
    private var log: [Record] = []

    var events: [CronEvent] {
        log.compactMap { if case .event(let event) = $0 { event } else { nil } }
    }

    var fired: [CronFired] {
        events.compactMap { if case .fired(let fired) = $0 { fired } else { nil } }
    }

    private mutating func record(_ event: CronEvent) -> Offset {
        let offset = Offset(UInt64(log.count))
        view.apply(event, at: offset)
        log.append(.event(event))
        return offset
    }

    mutating func add(_ trigger: CronTrigger, now: Timestamp) {
        view.add(trigger, now: now)
        if let event = view.decideAdded(trigger.id, now: now) { _ = record(event) }
    }

    /// The clock says `clock`, and records get the time `record`.
    mutating func follow(_ clock: Timestamp, at record: Timestamp) {
        guard view.follow(clock, at: record) else { return }
        for trigger in view.triggers { add(trigger, now: clock) }
    }

    /// The trigger's worker has left.
    mutating func remove(_ id: String) { view.remove(id) }

    mutating func apply(_ event: CronEvent?) {
        if let event { _ = record(event) }
    }

    /// Fires what is due by `now`, and what becomes due by its runs' ends; each run ends at once.
    /// Nothing later than `judged` counts as due.
    mutating func turn(_ now: Timestamp, judging judged: Timestamp? = nil) {
        while let due = view.nextDue, due <= now {
            let events = view.decideDue(now: now).filter { event in
                guard let judged, case .fired(let fired) = event else { return true }
                return fired.scheduled <= judged
            }
            guard !events.isEmpty else { return }
            for event in events {
                let offset = record(event)
                if case .fired = event { end(offset, now: now) }
            }
        }
    }

    /// Fires what is due by `now`, once; runs go on.
    mutating func fire(_ now: Timestamp) -> [Offset] {
        guard let due = view.nextDue, due <= now else { return [] }
        return view.decideDue(now: now).map { record($0) }
    }

    mutating func end(_ firing: Offset, now: Timestamp) {
        apply(view.decideEnding(of: firing, now: now))
        view.ended(firing: firing, now: now.advanced(by: view.lag))
        log.append(.ended(firing, now: now))
    }

    /// What is folded from the events that are needed.
    func retold() -> CronView {
        var retold = CronView()
        for (index, record) in log.enumerated() {
            let offset = Offset(UInt64(index))
            switch record {
            case .event(let event):
                if view.needs(event, at: offset) { retold.apply(event, at: offset) }
            case .ended(let firing, let now): retold.ended(firing: firing, now: now)
            }
        }
        return retold
    }

    mutating func restart() {
        view = CronView()
        for (index, record) in log.enumerated() {
            switch record {
            case .event(let event): view.apply(event, at: Offset(UInt64(index)))
            case .ended(let firing, let now): view.ended(firing: firing, now: now)
            }
        }
    }
}
