import Cron
import Events
import JSON
import Primitives
import Queue
import RecordFormat

/// A second, naive reading of the log: what the records themselves contradict, whatever the views
/// make of them.
struct Ledger {
    struct Entry {
        var failures: UInt32 = 0
        /// Its delivery that has not ended.
        var delivery: Offset?
        var notBefore = Timestamp(nanoseconds: .min)
        var isDead = false
        var group: String?
    }

    struct Book {
        var settings: QueueSettings
        var entries: [Offset: Entry] = [:]
        /// The messages of each group, in the order in which they may be delivered.
        var groups: [String: [Offset]] = [:]
        var inFlight = 0
        /// Whether its subscription is over: nothing comes, and nothing is delivered.
        var isEnded = false
    }

    private(set) var receipts: Set<UUID128> = []
    private(set) var books: [String: Book] = [:]
    /// The payloads' numbers of all messages.
    private(set) var numbers: Set<Int> = []
    private(set) var stateEvents: [StateEvent] = []
    private(set) var streamEvents: [StreamEvent] = []
    /// When the keys of the scope go whose values do by themselves.
    private(set) var passing: [String: Timestamp] = [:]
    /// The writes of the state, for what they fire.
    private var written: [Offset: StateEvent] = [:]
    private var reactions: Set<String> = []
    private(set) var finding: String?
    private(set) var tally = Tally()
    private var subscriptions: [String: [String]] = [:]
    private var lastSlots: [String: Timestamp] = [:]
    private var openFirings: Set<Offset> = []
    private var restarted: Set<Offset> = []
    private var lastTime = Timestamp(nanoseconds: .min)

    private mutating func find(_ text: String) { finding = finding ?? text }

    mutating func read(_ record: RecordView) throws(DecodeError) {
        if record.time < lastTime { find("time goes back at record \(record.offset)") }
        lastTime = record.time
        switch try Event(record) {
        case .started: restart()
        case .queue(let event): read(event, record)
        case .state(let event): read(event, record)
        case .stream(let event): streamEvents.append(event)
        case .triggered(let fired): read(fired, record)
        case .cron(.fired(let fired)): read(fired, record)
        case .cron(.skipped(let skipped)): read(skipped)
        case .invoked:
            if let cause = record.cause, openFirings.contains(cause), restarted.contains(cause) {
                tally.count(.cronRerun)
            }
        default: break
        }
    }

    /// Deliveries of the life before have come to no end.
    private mutating func restart() {
        restarted = openFirings
        for name in books.keys {
            books[name]?.inFlight = 0
            for (message, entry) in books[name]?.entries ?? [:] where entry.delivery != nil {
                books[name]?.entries[message]?.delivery = nil
                tally.count(.redelivered)
            }
        }
    }

    private mutating func read(_ fired: CronFired, _ record: RecordView) {
        tally.count(.cronFired)
        openFirings.insert(record.offset)
        let seconds = fired.scheduled.seconds
        let every = Names.schedules.first { $0.text == fired.expression }?.every ?? 1
        if fired.scheduled.nanoseconds % 1_000_000_000 != 0 || seconds % every != 0 {
            find("\(fired.expression) names no slot at \(seconds)")
        }
        if fired.actual < fired.scheduled { find("a slot fired before its time") }
        let place = "\(fired.trigger) \(fired.expression)"
        if let last = lastSlots[place], fired.scheduled <= last {
            // That was before the clock was corrected by more than slots wait for, and it has not
            // been past the last one since, or is now. Records' times do not go back with it, and
            // of their lead a sixteenth of what passes is lost.
            let lead = fired.actual.distance(to: record.time).nanoseconds
            let isCorrected = lead > CronView.patience.nanoseconds / 16 * 15
            let mayFire = isCorrected && (last > fired.actual || last == fired.scheduled)
            if !mayFire { find("slot \(fired.scheduled) of \(place) fired after \(last)") }
        }
        lastSlots[place] = fired.scheduled
    }

    /// What passes does not come later: not the slot, nor one before it.
    private mutating func read(_ skipped: CronSkipped) {
        tally.count(.cronSkipped)
        if skipped.reason.contains("were missed") { tally.count(.cronMissed) }
        guard let schedule = skipped.schedule else { return }
        let place = "\(skipped.trigger) \(schedule.expression)"
        lastSlots[place] = max(skipped.scheduled, lastSlots[place] ?? skipped.scheduled)
    }
}

// MARK: Values

extension Ledger {
    private mutating func read(_ event: StateEvent, _ record: RecordView) {
        written[record.offset] = event
        switch event {
        case .set(let set) where set.scope == StateModel.passingScope:
            passing[set.key] = set.expires
        case .deleted(let deleted) where deleted.scope == StateModel.passingScope:
            guard let end = passing.removeValue(forKey: deleted.key) else {
                return find("\(deleted.key) was deleted, and not there")
            }
            guard deleted.reason == .expired else { return }
            tally.count(.expired)
            if end > record.time { find("\(deleted.key) went before its time") }
        default: stateEvents.append(event)
        }
    }

    /// A state trigger fires once for a write, and tells what that wrote.
    private mutating func read(_ fired: Triggered, _ record: RecordView) {
        guard fired.type == "state" else { return }
        tally.count(.reacted)
        let event = JSONText(trusted: fired.event)
        guard let cause = record.cause, let write = written[cause] else {
            // What was not there can be deleted, and that is told.
            if event.member("event_type")?.stringValue == "state:deleted" { return }
            return find("trigger \(fired.trigger) fired for what is no write")
        }
        if !reactions.insert("\(cause) \(fired.trigger)").inserted {
            find("trigger \(fired.trigger) fired twice for write \(cause)")
        }
        let told = event.member("new_value")?.bytes
        if case .set(let set) = write, told != set.value {
            find("trigger \(fired.trigger) tells of another value than write \(cause)")
        }
    }
}

// MARK: Queues

extension Ledger {
    private mutating func read(_ event: QueueEvent, _ record: RecordView) {
        switch event {
        case .defined(let event):
            books[event.queue, default: Book(settings: event.settings)].settings = event.settings
        case .subscribed(let event): subscribe(event)
        case .unsubscribed(let event): unsubscribe(event)
        case .enqueued(let event): enqueue(event, record)
        case .delivered(let event):
            change(event.queue, event.message, "delivered") { book, entry in
                book.deliver(&entry, event, record)
            }
        case .acked(let event):
            change(event.queue, event.message, "acked") { book, entry in
                defer { book.remove(event.message, entry) }
                return book.end(&entry, record)
            }
        case .retried(let event):
            tally.count(.retried)
            change(event.queue, event.message, "retried") { book, entry in
                defer { entry.notBefore = event.notBefore }
                return book.fail(&entry, record, event.failures)
            }
        case .deadLettered(let event):
            tally.count(.deadLetter)
            change(event.queue, event.message, "dead") { book, entry in
                book.leaveGroup(event.message, entry)
                entry.isDead = true
                // Nothing is damaged here: a disk that refuses a read costs no message its place.
                if event.error.code == "record_unreadable" { return "for a read that failed" }
                return book.fail(&entry, record, event.failures)
            }
        case .redriven(let event):
            tally.count(.redriven)
            change(event.queue, event.message, "redriven", isDead: true) { book, entry in
                entry = Entry(group: entry.group)
                if let group = entry.group { book.groups[group, default: []].append(event.message) }
                return nil
            }
        case .discarded(let event):
            tally.count(.discarded)
            change(event.queue, event.message, "discarded", isDead: true) { book, entry in
                book.entries[event.message] = nil
                return nil
            }
        case .purged(let event): purge(event)
        }
    }

    private mutating func purge(_ event: Purged) {
        tally.count(event.areDead ? .discardedAll : .purged)
        for message in event.messages {
            change(event.queue, message, "purged", isDead: event.areDead) { book, entry in
                book.remove(message, entry)
                return entry.delivery == nil ? nil : "while a delivery of it goes on"
            }
        }
    }

    private mutating func subscribe(_ event: Subscribed) {
        let name = QueueView.subscriptionQueue(topic: event.topic, function: event.function)
        if subscriptions[event.topic]?.contains(name) != true {
            subscriptions[event.topic, default: []].append(name)
        }
        var book = books[name] ?? Book(settings: event.settings)
        if book.isEnded, !book.entries.isEmpty { tally.count(.takenOver) }
        book.isEnded = false
        book.settings = event.settings
        books[name] = book
    }

    private mutating func unsubscribe(_ event: Unsubscribed) {
        let name = QueueView.subscriptionQueue(topic: event.topic, function: event.function)
        subscriptions[event.topic]?.removeAll { $0 == name }
        if !event.keepsMessages { find("messages of \(name) are dropped") }
        books[name]?.isEnded = true
    }

    private mutating func enqueue(_ event: Enqueued, _ record: RecordView) {
        if !receipts.insert(event.receipt).inserted { find("a receipt twice") }
        if let number = Payload(event.payload)?.number { numbers.insert(number) }
        guard event.target == nil else {
            return add(record.offset, to: event.queue, group: event.group)
        }
        let names = subscriptions[event.queue] ?? []
        if names.count > 1 { tally.count(.fanOut) }
        for name in names {
            add(record.offset, to: name, group: books[name]?.settings.fifo == true ? "" : nil)
        }
    }

    private mutating func add(_ message: Offset, to queue: String, group: String?) {
        var book = books[queue] ?? Book(settings: .standard)
        books[queue] = nil
        book.entries[message] = Entry(group: group)
        if let group { book.groups[group, default: []].append(message) }
        books[queue] = book
    }

    /// Changes an entry; `body` says what is wrong with it.
    private mutating func change(
        _ queue: String,
        _ message: Offset,
        _ what: String,
        isDead: Bool = false,
        _ body: (inout Book, inout Entry) -> String?
    ) {
        guard var book = books[queue] else { return find("\(what): no queue \(queue)") }
        guard var entry = book.entries[message] else {
            return find("message \(message) of \(queue) is \(what), but not there")
        }
        books[queue] = nil
        if entry.isDead != isDead { find("message \(message) is \(what), dead: \(entry.isDead)") }
        if let wrong = body(&book, &entry) {
            find("message \(message) of \(queue) is \(what) \(wrong)")
        }
        if book.entries[message] != nil { book.entries[message] = entry }
        books[queue] = book
    }
}

extension Ledger.Book {
    var deadCount: Int { entries.values.count { $0.isDead } }
    var pending: Int { entries.count - deadCount }

    fileprivate mutating func deliver(
        _ entry: inout Ledger.Entry,
        _ event: Delivered,
        _ record: RecordView
    ) -> String? {
        defer { entry.delivery = record.offset }
        inFlight += 1
        if isEnded { return "after its subscription has ended" }
        if entry.delivery != nil { return "while another delivery of it goes on" }
        if event.attempt != entry.failures + 1 {
            return "as attempt \(event.attempt) after \(entry.failures) failures"
        }
        if event.attempt > settings.attempts { return "more often than it may be" }
        if record.time < entry.notBefore { return "before its delay was over" }
        if inFlight > Int(settings.concurrency) { return "beside too many others" }
        if let group = entry.group, groups[group]?.first != event.message {
            return "before others of its group"
        }
        return nil
    }

    /// Ends a delivery, by a record that must come from it.
    fileprivate mutating func end(_ entry: inout Ledger.Entry, _ record: RecordView) -> String? {
        defer { entry.delivery = nil }
        guard let delivery = entry.delivery else { return "without a delivery" }
        inFlight -= 1
        return record.cause == delivery ? nil : "by an older delivery"
    }

    fileprivate mutating func fail(
        _ entry: inout Ledger.Entry,
        _ record: RecordView,
        _ failures: UInt32
    ) -> String? {
        defer { entry.failures = failures }
        if failures != entry.failures + 1 { return "as failure \(failures)" }
        return end(&entry, record)
    }

    fileprivate mutating func leaveGroup(_ message: Offset, _ entry: Ledger.Entry) {
        guard let group = entry.group else { return }
        groups[group]?.removeAll { $0 == message }
    }

    fileprivate mutating func remove(_ message: Offset, _ entry: Ledger.Entry) {
        leaveGroup(message, entry)
        entries[message] = nil
    }
}
