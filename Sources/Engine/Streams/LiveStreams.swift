import DequeModule
import JSON
import Observability
import Primitives
import Stream

/// What is live about streams: who wants to hear of them. Nothing of it is recorded.
struct LiveStreams {
    var triggers = StreamTriggers()
    /// The sockets that have asked for something.
    var peers: [SubscriberID: StreamPeer] = [:]
    /// The groups that somebody has joined.
    private(set) var groups: [StreamGroup: Attendance] = [:]
    /// How many subscriptions there are to groups of each stream that has some, and in all.
    private(set) var joined: [String: Int] = [:]
    private(set) var subscribers = 0
    /// Sockets that the auth function is being asked about.
    var admissions: Set<SubscriberID> = []
    /// For subscribers that come back.
    var recent = RecentStreamEvents(from: .zero)
    /// Spans that are to be told of as they come.
    var watchedSpans = WatchedSpans()
    private var joins: UInt64 = 0
    private var questions: UInt64 = 0
    /// What was told last of what there is, and when, as long as that is on its way to somebody:
    /// joins come in crowds, and each of a crowd is told the same.
    private weak var lastSync: StreamMessage?
    private var lastSyncTime: Timestamp?

    /// A number for what a function is asked about a join.
    mutating func nextQuestion() -> UInt64 {
        questions += 1
        return questions
    }

    /// The message that tells `join` what there is as of the record at `offset`, where another one
    /// is told just that at `time`.
    func sync(for join: StreamJoin, at offset: Offset?, _ time: Timestamp) -> StreamMessage? {
        guard let lastSync, lastSyncTime == time, lastSync.offset == offset,
            lastSync.group == join.group, lastSync.item.map(Name.init) == join.item.map(Name.init)
        else { return nil }
        return lastSync
    }

    mutating func remember(sync message: StreamMessage?, at time: Timestamp) {
        lastSync = message
        lastSyncTime = time
    }

    mutating func join(_ id: SubscriberID, _ join: StreamJoin) {
        joins += 1
        let member = Attendance.Member(subscriber: id, subscription: join.subscription)
        if groups[join.group, default: Attendance()].add(member, join, number: joins) {
            count(1, of: join.group.stream)
        }
    }

    mutating func leave(_ id: SubscriberID, _ join: StreamJoin) {
        let member = Attendance.Member(subscriber: id, subscription: join.subscription)
        if groups[join.group]?.remove(member) == true { count(-1, of: join.group.stream) }
        if groups[join.group]?.members.isEmpty == true { groups[join.group] = nil }
    }

    private mutating func count(_ change: Int, of stream: String) {
        subscribers += change
        let left = joined[stream, default: 0] + change
        joined[stream] = left > 0 ? left : nil
    }

    /// What tells a join from others of the same subscription; nil: it was left.
    func number(of join: StreamJoin, by id: SubscriberID) -> UInt64? {
        let member = Attendance.Member(subscriber: id, subscription: join.subscription)
        return groups[join.group]?.members[member]?.number
    }

    /// The join with that number; nil: it was left, or another one has taken its place.
    func join(of subscription: String, by id: SubscriberID, number: UInt64) -> StreamJoin? {
        guard let join = peers[id]?.subscriptions[subscription],
            self.number(of: join, by: id) == number
        else { return nil }
        return join
    }
}

/// Who has joined a group.
struct Attendance {
    struct Member: Hashable {
        let subscriber: SubscriberID
        let subscription: String
    }

    private(set) var members: [Member: (join: StreamJoin, number: UInt64)] = [:]
    /// How many on each event loop that has some.
    private var counts: [Int: Int] = [:]
    /// Those that want to hear of the others.
    private(set) var watchers = OrderedNameSet<Member>()

    /// The event loops that have members.
    var loops: [Int] { counts.count == 1 ? Array(counts.keys) : counts.keys.sorted() }

    /// In the order in which they joined.
    var inOrder: [StreamJoin] {
        members.values.sorted { $0.number < $1.number }.map(\.join)
    }

    /// - Returns: false: it was a member, and its join is another one now.
    mutating func add(_ member: Member, _ join: StreamJoin, number: UInt64) -> Bool {
        let isNew = members.updateValue((join, number), forKey: member) == nil
        if isNew { counts[member.subscriber.loop, default: 0] += 1 }
        if join.watchesPresence { watchers.append(member) } else { watchers.remove(member) }
        return isNew
    }

    /// - Returns: false: it was no member.
    mutating func remove(_ member: Member) -> Bool {
        guard members.removeValue(forKey: member) != nil else { return false }
        let loop = member.subscriber.loop
        counts[loop, default: 0] -= 1
        if counts[loop] == 0 { counts[loop] = nil }
        watchers.remove(member)
        return true
    }
}

/// A socket: what it has joined, and what it asked for that waits for what it asked before.
final class StreamPeer {
    let id: SubscriberID
    var subscriptions: [String: StreamJoin] = [:]
    /// What the log is being read for, by the subscription that is told it.
    var replays: [String: StreamReplay] = [:]
    /// Subscriptions that the log is to be read for next, and from where on.
    private var behind: [String: (join: StreamJoin, start: Offset)] = [:]
    /// How often in a row the disk has refused what they have missed.
    var refusals: [String: Int] = [:]
    /// In which order. One that was left meanwhile stays here until it is its turn.
    private var order: Deque<String> = []
    /// Not begun yet: one thing of a socket is done after the other.
    var waiting: Deque<SubscriberCommand> = []
    /// The join that functions are being asked about.
    var visit: StreamVisit?
    var isBusy: Bool { visit != nil }
    var isGone = false
    /// Whether it was said that it joins more than it may.
    var isKnownAsFull = false

    init(_ id: SubscriberID) { self.id = id }

    /// Whether it may have that subscription, which may take the place of one that it has.
    func hasRoom(for join: StreamJoin) -> Bool {
        subscriptions.count < Limits.streamSubscriptions || subscriptions[join.subscription] != nil
    }

    /// No further function is asked about its join, and what one still answers lets nobody in.
    func abandonVisit() {
        visit?.notice.rest = []
        visit = nil
    }

    /// The log is to be read for a subscription when all have been that wait already.
    func wait(_ join: StreamJoin, from start: Offset) {
        behind[join.subscription] = (join, start)
        order.append(join.subscription)
        guard order.count > 2 * behind.count + 64 else { return }
        var seen: Set<String> = []
        order = Deque(order.filter { behind[$0] != nil && seen.insert($0).inserted })
    }

    /// Takes the subscription whose turn it is; nil: none waits.
    func next() -> (join: StreamJoin, start: Offset)? {
        while let subscription = order.popFirst() {
            if let next = behind.removeValue(forKey: subscription) { return next }
        }
        return nil
    }

    /// A subscription is told no more of what it has missed.
    func stopReplay(of subscription: String) {
        replays.removeValue(forKey: subscription)?.cancel()
        behind[subscription] = nil
        refusals[subscription] = nil
    }

    func stopReplays() {
        for replay in replays.values { replay.cancel() }
        replays = [:]
        behind = [:]
        refusals = [:]
        order = []
    }
}

/// What functions are told of one event of a stream, one after the other.
final class TriggerNotice {
    let payload: [UInt8]
    let summary: String
    let trace: TraceID
    /// The record of the event; nil: there is none.
    let cause: Offset?
    /// The triggers that have not fired yet.
    var rest: ArraySlice<String>
    /// What records hold of the payload, where that has secrets; nil: all of it.
    var logged: [UInt8]?
    /// What is asked before a trigger runs its function, by the trigger.
    var conditions: [String: FunctionName] = [:]

    init(
        payload: [UInt8],
        summary: String,
        trace: TraceID,
        cause: Offset?,
        triggers: [String]
    ) {
        self.payload = payload
        self.summary = summary
        self.trace = trace
        self.cause = cause
        rest = triggers[...]
    }
}

/// What a worker that keeps the items of a stream itself is asked, and for whom.
final class StreamQuestion {
    enum Asker {
        /// A worker's call.
        case call(Call, ConnectionID)
        /// A queue, or a trigger.
        case run(Run)
        /// A socket that has joined and is to be told what there is.
        case joined(StreamPeer, StreamJoin)
    }

    let function: StreamFunction
    let call: StreamCall
    let asker: Asker
    let trace: TraceID

    /// Whether it is a worker's call, and the worker waits for the answer.
    var isAwaited: Bool {
        guard case .call(let call, _) = asker else { return false }
        return call.action == .await && call.id != nil
    }

    init(
        _ function: StreamFunction,
        _ call: StreamCall,
        for asker: Asker,
        trace: TraceID
    ) {
        self.function = function
        self.call = call
        self.asker = asker
        self.trace = trace
    }
}
