import Events
import Folding
import Primitives
package import RecordFormat
import State
import Stream

/// What must hold between the records of a log: folds it with the services' own views, follows it
/// by code of its own, and tells where the two differ or a record cannot be.
package struct Semantics {
    private struct Slot: Hashable {
        let trigger: String
        let function: FunctionName
        let expression: String
    }

    private struct Item: Hashable {
        let group: StreamGroup
        let item: Name
    }

    private var fold = Views(cacheBytes: 0)
    private var causes = CauseCheck()
    private var queues = QueueCheck()
    private var findings = Findings()
    private var versions: [StatePlace: Offset] = [:]
    private var items: [Item: Offset] = [:]
    private var lastSlots: [Slot: Timestamp] = [:]
    private var lastTime = Timestamp(nanoseconds: .min)
    private var expected = Offset.zero
    /// Whether records are missing before the one at hand, so that absence says nothing.
    private var hasHole = false
    /// Records of kinds that this version does not know.
    package private(set) var unknownKinds = 0

    package init() {}

    /// Records come in order.
    package mutating func check(_ view: RecordView) {
        if view.offset != expected { hasHole = true }
        expected = view.offset.advanced(by: 1)
        if view.time < lastTime { findings.add(before: lastTime, view) }
        lastTime = max(lastTime, view.time)
        let record = LogRecord(view)
        causes.check(record, hasHole: hasHole, &findings)
        switch record.content {
        case .unknown: unknownKinds += 1
        case .unreadable(let error):
            findings.add(
                view.offset,
                view.kind,
                "expected \(error.expected) at byte \(error.position) of its payload"
            )
        case .event(let event): follow(event, record)
        }
    }

    private mutating func follow(_ event: Event, _ record: LogRecord) {
        fold.apply(
            event,
            at: record.offset,
            time: record.time,
            trace: record.trace,
            cause: record.cause
        )
        switch event {
        case .started: queues.restart()
        case .queue(let event):
            queues.check(event, record, isLenient: hasHole)
            findings.add(queues.takeFindings())
        case .state(.set(let event)):
            versions[StatePlace(event.scope, event.key)] = record.offset
        case .state(.deleted(let event)):
            versions[StatePlace(event.scope, event.key)] = nil
        case .stream(let event): follow(event, at: record.offset)
        case .cron(.fired(let event)):
            let slot = Slot(
                trigger: event.trigger,
                function: event.function,
                expression: event.expression
            )
            if let last = lastSlots[slot], event.scheduled <= last {
                let text =
                    "slot \(event.scheduled.rfc3339()) of trigger \(event.trigger) came after "
                    + "that of \(last.rfc3339()): a slot fires once"
                findings.add(record.offset, record.kind, text)
            }
            lastSlots[slot] = event.scheduled
        default: break
        }
    }

    private mutating func follow(_ event: StreamEvent, at offset: Offset) {
        guard let item = event.item else { return }
        let place = Item(group: event.group, item: Name(item))
        switch event {
        case .set: items[place] = offset
        case .deleted: items[place] = nil
        case .sent, .relayed: break
        }
    }

    /// Compares the folds, and tells everything that was found.
    package mutating func finish() -> Findings {
        queues.compare(with: fold.work.queue)
        findings.add(queues.takeFindings())
        for (place, version) in versions.sorted(by: { $0.value < $1.value }) {
            let (scope, key) = (place.scope.text, place.key.text)
            let entry = fold.state.entry(scope: scope, key: key)
            guard entry?.version != version else { continue }
            findings.add(
                "state \(scope)/\(key): written by record \(version), the fold has "
                    + (entry.map { "record \($0.version)" } ?? "nothing")
            )
        }
        if fold.state.keyCount != versions.count {
            findings.add(
                "state: \(Text.count(versions.count, "key")), the fold has \(fold.state.keyCount)"
            )
        }
        compareItems()
        return findings
    }

    private mutating func compareItems() {
        for (item, version) in items.sorted(by: { $0.value < $1.value }) {
            let name = item.item.text
            let entry = fold.streams.entry(of: name, in: item.group)
            guard entry?.version != version else { continue }
            findings.add(
                "item \(name) of group \(item.group): written by record \(version), the fold has "
                    + (entry.map { "record \($0.version)" } ?? "nothing")
            )
        }
        if fold.streams.itemCount != items.count {
            findings.add(
                "streams: \(Text.count(items.count, "item")), the fold has \(fold.streams.itemCount)"
            )
        }
    }
}
