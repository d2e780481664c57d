import CommitLog
import ConfigurationEntries
import Cron
import Disk
import Engine
import Events
import Folding
import HTTP
import Primitives
import Queue
import RecordFormat
import State
import Stream

/// A whole deployment in one thread: the production engine, services and log over a disk that
/// fails, with workers and clients that do what a workload says, through several lives.
///
/// Invariant: nothing in it depends on anything but its seed.
package final class EngineSimulation {
    typealias Core = Engine<SimulatedStorage, SeededEntropy>

    var entropy: SeededEntropy
    let swarm: Swarm
    let disk: SimulatedDisk
    var workload: any Workload
    var hash = ContentHash()
    var tally = Tally()
    /// The first broken promise.
    private(set) var finding: String?
    var wall = Timestamp(seconds: 1_900_000_000)
    /// The latest time that the clock has shown.
    var furthest = Timestamp(seconds: 1_900_000_000)
    var monotonic: UInt64 = 1 << 40

    // What outlives a life.
    var promises = Promises()
    var state = StateModel()
    var stream = StreamModel()
    /// The views' digests where a batch may have ended.
    private var digests: [UInt64: Digest] = [:]
    var upkeep = Upkeep()
    var counter = 0
    var past: [UUID128] = []

    // What does not.
    var world = World()

    package enum Style: String, CaseIterable, Sendable { case steady, bursts }

    private let kind: String

    /// Whether snapshots are kept, and what they make needless is removed.
    let retains: Bool

    package init(seed: UInt64, style: Style, retains: Bool = false) {
        self.retains = retains
        entropy = SeededEntropy(seed: seed)
        swarm = Swarm(&entropy)
        disk = SimulatedDisk(seed: entropy.next())
        disk.witness = LogWitness()
        kind = "engine, \(style.rawValue)\(retains ? ", retention" : "")"
        switch style {
        case .steady: workload = SteadyWorkload(&entropy)
        case .bursts: workload = BurstWorkload(&entropy)
        }
    }

    func find(_ text: String) { finding = finding ?? text }

    package func run(seed: UInt64) -> Outcome {
        let lives = 2 + Int(entropy.next() % 3)
        for life in 1...lives where finding == nil {
            swarm.arm(disk)
            live { (core) throws(LogError) in try work(&core) }
            finding = finding.map { "life \(life): \($0)" }
        }
        if finding == nil { finish() }
        tally.add(disk.tally)
        tally.acknowledged += disk.witness?.promised ?? 0
        hash.add(disk.checksum)
        return Outcome(seed: seed, kind: kind, finding: finding, tally: tally, hash: hash.value)
    }

    // MARK: Lives

    /// One life: the log is opened, judged, worked on until it is cut off or has had its time.
    private func live(_ body: (inout Core) throws(LogError) -> Void) {
        tally.lives += 1
        world = World()
        do throws(LogError) {
            var core = try open()
            guard finding == nil else { return }
            try body(&core)
            let isClosing = swarm.isClosedSometimes && entropy.next() % 3 == 0 && !disk.isFull
            if isClosing, finding == nil {
                try core.close(reason: "simulated")
                tally.count(.closed)
                digests = [:]
            }
        } catch {
            if !disk.hasCrashed, !disk.hasFailed { find("unexpected: \(error)") }
        }
        if let violation = disk.violations.first { find(violation) }
        swarm.end(disk)
    }

    /// Opens the log, through cuts of its recovery, and judges what it found.
    private func open() throws(LogError) -> Core {
        var cuts = swarm.nestedCuts
        let operations = disk.operationsLeft
        while true {
            disk.operationsLeft = cuts > 0 ? Int(entropy.next() % 40) : nil
            do throws(LogError) {
                var core = try openOnce()
                disk.operationsLeft = operations
                disk.isServing = true
                note(&core)
                return core
            } catch {
                if case .damaged = error { find("false alarm: \(error)") }
                guard finding == nil, disk.hasCrashed || disk.hasFailed else { throw error }
                if disk.hasCrashed { tally.count(.cutInsideRecovery) }
                swarm.end(disk)
                if cuts <= 0 { disk.readFailuresPerThousand = 0 }
                cuts -= 1
            }
        }
    }

    private func openOnce() throws(LogError) -> Core {
        var random = SeededEntropy(seed: entropy.next())
        var reader = LogReader(SimulatedStorage(disk))
        var snapshot = Snapshot(Snapshot.Settings(cacheBytes: swarm.cacheBytes))
        var told = Retelling(upkeep.archive)
        let ends = try sealedEnds(&reader)
        if let kept = upkeep.snapshots.randomElement(using: &entropy), entropy.next() % 3 > 0 {
            tally.count(.keptSnapshotUsed)
            let settings = Snapshot.Settings(cacheBytes: swarm.cacheBytes)
            guard let read = try? Snapshot(kept, settings) else {
                find("a snapshot that was kept cannot be read back")
                throw .full
            }
            snapshot = read
        } else if entropy.next() % 2 == 0, !ends.isEmpty {
            tally.count(.snapshotUsed)
            guard let made = try makeSnapshot(&reader, ends) else {
                find("a snapshot cannot be read back")
                throw .full
            }
            snapshot = made
        }
        let known = snapshot.start.next
        if known > .zero {
            // What a snapshot stands for is judged like the rest.
            _ = try reader.read(until: known) { record throws(DecodeError) in
                guard record.offset < known else { return }
                try told.take(record)
            }
        }
        let log = try CommitLog(
            opening: LogClaim(SimulatedStorage(disk)),
            options: swarm.options,
            entropy: &random,
            now: wall,
            known: snapshot.start
        ) { record throws(DecodeError) in
            try snapshot.views.apply(record)
            try told.take(record)
        }
        try? told.fill(to: log.staged)
        let views = snapshot.views
        if log.recovery.torn != nil { tally.count(.tornTail) }
        if log.recovery.wasClean { tally.count(.wasClean) }
        judge(told, views)
        monotonic += 1 << 30
        let start = Now(wall: wall, monotonic: monotonic)
        return try Core(
            log: log,
            views: views,
            options: options,
            random: random,
            now: start
        )
    }

    /// Where a snapshot may end: at the beginning of every segment but the first.
    private func sealedEnds(
        _ reader: inout LogReader<SimulatedStorage>
    ) throws(LogError) -> [Offset] {
        guard disk.manifest != nil else { return [] }
        return try reader.survey().spans.dropFirst().map(\.header.base)
    }

    /// A snapshot up to the last of `ends`, perhaps by way of another one. Nil: what was written
    /// cannot be read.
    private func makeSnapshot(
        _ reader: inout LogReader<SimulatedStorage>,
        _ ends: [Offset]
    ) throws(LogError) -> Snapshot? {
        var fold = SnapshotFold()
        if entropy.next() % 2 == 0, let middle = ends.dropLast().randomElement(using: &entropy) {
            try fold.fold(&reader, until: middle)
            guard let image = fold.image(), let next = try? SnapshotFold(on: image) else {
                return nil
            }
            fold = next
        }
        try fold.fold(&reader, until: ends[ends.count - 1])
        let settings = Snapshot.Settings(cacheBytes: swarm.cacheBytes)
        return fold.image().flatMap { try? Snapshot($0, settings) }
    }

    private var options: EngineOptions {
        var options = EngineOptions(
            version: "simulated",
            queues: [
                "default": Self.settings(concurrency: 3, attempts: 3),
                "fifo": Self.settings(concurrency: 4, attempts: 3, group: "g"),
                "single": Self.settings(concurrency: 1, attempts: 1),
            ],
            responseTimeout: 3_000_000_000
        )
        options.holdsBatches = true
        return options
    }

    static func settings(
        concurrency: UInt32,
        attempts: UInt32,
        group: String? = nil
    ) -> QueueSettings {
        QueueSettings(
            fifo: group != nil,
            concurrency: concurrency,
            attempts: attempts,
            backoff: .milliseconds(200),
            groupField: group
        )
    }

    // MARK: The oracle

    private func judge(_ told: Retelling, _ views: Views) {
        let recovered = told.recovered
        let ledger = told.ledger
        tally.recovered += recovered.count
        if let wrong = told.judge(views) { return find(wrong) }
        if let wrong = disk.witness?.judge(recovered) { return find(wrong) }
        let digest = Digest(of: views)
        hasRemoved = hasRemoved || !told.removed.isEmpty
        if let expected = digests[UInt64(recovered.count)] {
            // A log folded anew behind retention has the same messages and groups, which the
            // oracles below judge; not how groups stand to each other: the records that said so
            // may have gone.
            let differing = expected.differences(from: digest)
                .filter { !(hasRemoved && $0 == "queue") }
            if !differing.isEmpty {
                let names = differing.joined(separator: ", ")
                return find("recovered at \(recovered.count), not as it lived: \(names)")
            }
        }
        digests = [UInt64(recovered.count): digest]
        if let wrong = ledger.finding { return find(wrong) }
        let passing = ledger.passing.count
        if let wrong = state.judge(ledger.stateEvents, views.state, passing: passing) {
            return find(wrong)
        }
        if let wrong = stream.judge(ledger.streamEvents, views.streams) { return find(wrong) }
        if let wrong = promises.judge(ledger) { return find(wrong) }
        if let wrong = ledger.compare(views.work.queue) { return find(wrong) }
        latest = ledger.tally
    }

    /// Whether retention has ever removed a record that was read again without it.
    private var hasRemoved = false

    /// What the records of the log recovered last tell, for the counters.
    private var latest = Tally()

    /// Takes note of how far the log is, and of what the views are where a batch ends.
    func note(_ core: inout Core) {
        disk.witness?.promise(core.log.durable)
        if core.log.isDiskFull { tally.count(.fullPause) }
        if core.isHoldingBatch { tally.count(.batchHeld) }
        let staged = core.log.staged
        guard core.log.flushed == staged, digests[staged.rawValue] == nil else { return }
        digests[staged.rawValue] = Digest(of: core.views)
    }

    // MARK: The end

    /// The faults are over: everything comes to its end, and the log is closed and found so.
    private func finish() {
        disk.calm()
        disk.delayPercent = 20
        live { (core) throws(LogError) in
            disk.operationsLeft = nil
            try drain(&core)
        }
        guard finding == nil else { return finding = "liveness: \(finding ?? "")" }
        world = World()
        do throws(LogError) {
            let core = try open()
            tally.add(latest)
            try core.close(reason: "end")
        } catch {
            find("the end: \(error)")
        }
        if let violation = disk.violations.first { find(violation) }
    }
}

/// The content of the folded views.
struct Digest: Equatable {
    let queue: UInt64
    let state: UInt64
    let bound: UInt64
    let fired: UInt64
    let streams: UInt64
    let keyed: UInt64
    let configuration: UInt64
    let routes: UInt64
    let openFirings: [Offset]

    init(of views: Views) {
        queue = views.work.queue.digest()
        state = views.state.digest()
        bound = views.work.bindings.digest()
        fired = views.work.reactions.digest()
        streams = views.streams.digest()
        keyed = views.work.requests.digest()
        configuration = views.work.configuration.digest()
        routes = views.work.routes.digest()
        openFirings = views.work.cron.openFirings.map(\.offset)
    }

    func differences(from other: Digest) -> [String] {
        [
            queue != other.queue ? "queue" : nil, state != other.state ? "state" : nil,
            bound != other.bound ? "triggers of no worker" : nil,
            fired != other.fired ? "fired state triggers" : nil,
            streams != other.streams ? "streams" : nil,
            keyed != other.keyed ? "requests with keys" : nil,
            configuration != other.configuration ? "configuration" : nil,
            routes != other.routes ? "routes" : nil,
            openFirings != other.openFirings
                ? "open cron runs \(openFirings), \(other.openFirings)" : nil,
        ].compactMap(\.self)
    }
}

extension Ledger {
    /// Compares the counts of every queue with those of the view; nil: they agree.
    func compare(_ view: QueueView) -> String? {
        for name in books.keys.sorted() {
            guard let book = books[name] else { continue }
            guard let queue = view.queues[name] else {
                if book.entries.isEmpty { continue }
                return "queue \(name) is gone"
            }
            if queue.deadCount != book.deadCount { return "\(name): \(book.deadCount) are dead" }
            if queue.depth != book.pending { return "\(name): \(book.pending) are pending" }
            for (offset, entry) in book.entries
            where view.message(offset, in: name)?.failures != entry.failures {
                return "message \(offset) of \(name) has failed \(entry.failures) times"
            }
        }
        return nil
    }
}

/// What was told to somebody, and so must be there for ever.
struct Promises {
    var receipts: Set<UUID128> = []
    /// The numbers of messages that a worker saw.
    var seen: Set<Int> = []
    /// The youngest message of each group that a worker saw.
    var youngest: [String: Int] = [:]
    /// Whether dead letters of groups were ever put back.
    var hasRedriven = false

    func judge(_ ledger: Ledger) -> String? {
        for receipt in receipts where !ledger.receipts.contains(receipt) {
            return "receipt \(receipt) is lost"
        }
        for number in seen where !ledger.numbers.contains(number) {
            return "message \(number) was seen by a worker and is lost"
        }
        return nil
    }
}
