import DequeModule
import Observe
import Primitives

/// One wish of a worker to be told of a function's events (protocol 12.2). Only the core thread
/// touches it.
///
/// Invariants:
/// * It is `active` only while its source and its target are served, and an owner that has to take
///   it has.
/// * What waits does so because as many activations run as may.
final class Observer {
    let id: String
    /// Tells it from an earlier one of the same id.
    let number: UInt64
    let spec: ObserverSpec
    /// The trigger that it stands for; nobody is told of such an observer's states.
    let legacy: LegacyTrigger?
    /// The connections that asked for it: it lives as long as one of them. None where it stands
    /// for a trigger that belongs to no connection.
    var holders: [ConnectionID]

    var state = ObserverState.pending
    /// Why it is in that state.
    var reason: ErrorBody?
    var wasActive = false
    /// Activations so far.
    var fires: UInt64 = 0
    /// When its time is over, on the monotonic clock; nil: it has as much as it wants.
    var end: UInt64?

    /// What its source's owners say to it.
    var consents: [Consent] = []
    /// What was found last of how its source wants to be observed.
    private var judged: (descriptor: ObserveDescriptor, refusal: ErrorBody?)?

    /// Activations that run.
    var inFlight = 0
    /// Activations that may not run yet, in order.
    var waiting: Deque<Run> = []
    var waitingBytes = 0
    /// Whether it is being seen to: what ends at once asks for the next one from within.
    var isPumping = false
    /// Whether it was told that an activation is left out for lack of room.
    var isOverflowing = false

    /// An owner was asked whether it takes the observer.
    struct Consent {
        enum Answer: Equatable { case none, accepted, refused(ErrorBody) }

        let owner: ConnectionID
        /// Of the message that asked last.
        var revision: UInt64
        var answer = Answer.none
    }

    init(
        id: String,
        number: UInt64,
        spec: ObserverSpec,
        legacy: LegacyTrigger?,
        holder: ConnectionID?
    ) {
        self.id = id
        self.number = number
        self.spec = spec
        self.legacy = legacy
        holders = holder.map { [$0] } ?? []
    }

    /// What it holds, roughly.
    var byteCount: Int { Registration.observe(id: id, .success(spec)).byteCount }
    var hasRoom: Bool { spec.concurrency.map { inFlight < $0 } ?? true }
    var isExhausted: Bool { spec.firesMax.map { fires >= $0 } ?? false }
    var info: OfferedObserver { OfferedObserver(id: id, spec: spec, legacy: legacy) }

    /// Why a function with this descriptor cannot be observed so; nil: it can. It is asked whenever
    /// a function comes or goes, and to tell takes longer than to remember.
    func refusal(by descriptor: ObserveDescriptor) -> ErrorBody? {
        if let judged, judged.descriptor == descriptor { return judged.refusal }
        let refusal = spec.refusal(by: descriptor)
        judged = (descriptor, refusal)
        return refusal
    }

    /// Whether it would change something that a deadline is over.
    func awaits(_ deadline: Observers.Deadline) -> Bool {
        switch deadline {
        case .end: true
        case .owner(let owner, let revision):
            consents.contains {
                $0.owner == owner && $0.revision == revision && $0.answer == .none
            }
        }
    }

    /// Notes that `owner` was asked in the message with this revision. One that took it already
    /// still has it.
    func ask(_ owner: ConnectionID, revision: UInt64) {
        if let place = consents.firstIndex(where: { $0.owner == owner }) {
            consents[place].revision = revision
            if case .refused = consents[place].answer { consents[place].answer = .none }
        } else {
            consents.append(Consent(owner: owner, revision: revision))
        }
    }
}

/// Every observer, by what is asked for: empty after every start, filled by the workers that come.
struct Observers {
    /// Something that an observer waits for not longer than until then.
    enum Deadline: Equatable {
        case owner(ConnectionID, revision: UInt64)
        case end
    }

    private var byID: [String: Observer] = [:]
    private var bySource: [FunctionName: [Observer]] = [:]
    private var byTarget: [FunctionName: [Observer]] = [:]
    private var byHolder: [ConnectionID: [Observer]] = [:]
    /// What those of each connection hold, in bytes, roughly.
    private var bytesByHolder: [ConnectionID: Int] = [:]
    /// Of the functions that said how they want to be observed.
    private var descriptors: [FunctionName: ObserveDescriptor] = [:]
    private var count: UInt64 = 0
    /// Of the last message to an owner: one sequence for all functions, so strictly increasing for
    /// each.
    private var revision: UInt64 = 0
    /// Ends of invocations of functions whose owners hand out their events: those may be reported
    /// after the end.
    private var ends: [String: End] = [:]
    private var endOrder: Deque<String> = []
    /// What is left of observers whose worker has gone, and may come back.
    private var away: [String: Rest] = [:]
    private var awayOrder: Deque<String> = []
    /// What they hold, roughly.
    private var awayBytes = 0

    /// How far an observer has come with what it may do.
    private struct Rest {
        let spec: ObserverSpec
        /// Roughly.
        let bytes: Int
        let fires: UInt64
        let end: UInt64?
    }

    /// How many of those are kept, of how many bytes.
    private static let awayMax = 1024
    private static let awayBytesMax = 4 << 20

    /// The end of an invocation.
    struct End {
        let record: Offset?
        let trace: TraceID
        let depth: Int
        let chain: ActivationChain?
    }

    /// How many ends are kept: reports follow within milliseconds.
    private static let endsMax = 1024

    var isEmpty: Bool { byID.isEmpty }

    subscript(_ id: String) -> Observer? { byID[id] }

    func of(source: FunctionName) -> [Observer] { bySource[source] ?? [] }
    func of(target: FunctionName) -> [Observer] { byTarget[target] ?? [] }
    func of(holder: ConnectionID) -> [Observer] { byHolder[holder] ?? [] }
    func bytes(ofHolder holder: ConnectionID) -> Int { bytesByHolder[holder] ?? 0 }

    func descriptor(of function: FunctionName) -> ObserveDescriptor {
        descriptors[function] ?? .plain
    }

    mutating func describe(_ function: FunctionName, _ descriptor: ObserveDescriptor) {
        descriptors[function] = descriptor == .plain ? nil : descriptor
    }

    /// The function that takes over triggers of a type, from the first namespace that has one.
    func successor(of type: String, in namespaces: [String]) -> FunctionName? {
        guard !descriptors.isEmpty else { return nil }
        for namespace in namespaces {
            let names = descriptors.filter {
                $0.key.namespace == namespace && $0.value.legacyTriggerType == type
            }
            if let name = names.keys.min(by: { $0.id < $1.id }) { return name }
        }
        return nil
    }

    mutating func nextRevision() -> UInt64 {
        revision += 1
        return revision
    }

    // MARK: Change

    mutating func add(
        _ id: String,
        _ spec: ObserverSpec,
        legacy: LegacyTrigger? = nil,
        holder: ConnectionID?
    ) -> Observer {
        precondition(byID[id] == nil)
        count += 1
        let observer = Observer(
            id: id,
            number: count,
            spec: spec,
            legacy: legacy,
            holder: holder
        )
        byID[id] = observer
        bySource[spec.source, default: []].append(observer)
        byTarget[spec.target, default: []].append(observer)
        if let holder { hold(observer, by: holder) }
        return observer
    }

    private mutating func hold(_ observer: Observer, by holder: ConnectionID) {
        byHolder[holder, default: []].append(observer)
        bytesByHolder[holder, default: 0] += observer.byteCount
    }

    private mutating func letGo(_ observer: Observer, by holder: ConnectionID) {
        Self.remove(observer, from: &byHolder, holder)
        bytesByHolder[holder, default: 0] -= observer.byteCount
        if byHolder[holder] == nil { bytesByHolder[holder] = nil }
    }

    /// The same observer, asked for on another connection.
    mutating func share(_ observer: Observer, with holder: ConnectionID) {
        guard !observer.holders.contains(holder) else { return }
        observer.holders.append(holder)
        hold(observer, by: holder)
    }

    /// Others ask for it still.
    mutating func release(_ observer: Observer, by holder: ConnectionID) {
        observer.holders.removeAll { $0 == holder }
        precondition(!observer.holders.isEmpty)
        letGo(observer, by: holder)
    }

    mutating func remove(_ observer: Observer) {
        byID[observer.id] = nil
        Self.remove(observer, from: &bySource, observer.spec.source)
        Self.remove(observer, from: &byTarget, observer.spec.target)
        for holder in observer.holders { letGo(observer, by: holder) }
    }

    private static func remove<Key: Hashable>(
        _ observer: Observer,
        from index: inout [Key: [Observer]],
        _ key: Key
    ) {
        index[key]?.removeAll { $0 === observer }
        if index[key]?.isEmpty == true { index[key] = nil }
    }

    // MARK: Away

    /// Its worker has gone without a word: asked for again it goes on where it was.
    mutating func keepRest(of observer: Observer) {
        guard observer.spec.firesMax != nil || observer.spec.lifetime != nil else { return }
        let rest = Rest(
            spec: observer.spec,
            bytes: observer.byteCount,
            fires: observer.fires,
            end: observer.end
        )
        awayBytes += rest.bytes
        if let old = away.updateValue(rest, forKey: observer.id) {
            awayBytes -= old.bytes
        } else {
            awayOrder.append(observer.id)
        }
        while awayOrder.count > Self.awayMax || awayBytes > Self.awayBytesMax,
            let oldest = awayOrder.popFirst()
        {
            awayBytes -= away.removeValue(forKey: oldest)?.bytes ?? 0
        }
    }

    /// - Returns: whether it had been there before.
    mutating func takeRest(for observer: Observer) -> Bool {
        guard let rest = away.removeValue(forKey: observer.id) else { return false }
        awayBytes -= rest.bytes
        awayOrder.removeAll { $0 == observer.id }
        guard rest.spec == observer.spec else { return false }
        observer.fires = rest.fires
        observer.end = rest.end
        return true
    }

    // MARK: Ends

    mutating func note(_ end: End, of invocation: String) {
        if ends.updateValue(end, forKey: invocation) == nil { endOrder.append(invocation) }
        if endOrder.count > Self.endsMax { ends[endOrder.removeFirst()] = nil }
    }

    func end(of invocation: String) -> End? { ends[invocation] }
}
