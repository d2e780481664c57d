import CommitLog
import Disk
import Events
import Folding
import HTTP
import JSON
import Observability
import Primitives
import Queue
import RecordFormat
import Stream

extension Engine where Store: ~Copyable {
    /// Notes how long batches take. Called once a turn, behind ``release(into:)``.
    mutating func watchBatches(_ now: () -> UInt64) {
        batches.check(flushed: log.flushed, durable: log.durable, now)
        device.begin(now)
    }

    /// Hands a picture over once everything in it is on disk.
    mutating func takePicture(_ request: PictureRequest) {
        let queues = pictureOfQueues()
        let streams = pictureOfStreams()
        let workers = pictureOfWorkers()
        let picture = EnginePicture(
            now: now.wall,
            version: registry.version,
            queues: queues.rows,
            allQueues: queues.all,
            workers: workers.rows,
            workerCount: workers.count,
            functions: request.known == registry.version ? nil : pictureOfFunctions(),
            triggers: request.known == registry.version ? nil : pictureOfTriggers(),
            streams: streams.rows,
            counts: counts,
            runs: metrics.runs(limit: Limits.pictureRows),
            work: EnginePicture.Work(
                workers: registry.workers.count,
                spawned: metrics.spawned,
                died: metrics.died,
                functions: registry.functions.count,
                triggers: registry.triggers.count,
                streams: streams.count,
                subscribers: streams.subscribers,
                running: runningCount,
                requests: exchanges.count,
                waitingRequests: waitingRequests.count,
                held: gate.count,
                droppedTelemetry: droppedFrames,
                droppedFirings: telemetryTriggers.dropped,
                replies: gate.replies
            ),
            log: EnginePicture.Log(
                durable: log.durable,
                staged: log.staged,
                batches: log.statistics.batches,
                writtenBytes: log.statistics.bytes,
                syncs: batches.syncs,
                sizes: batches.sizes,
                shortage: isInShortage ? log.obstacle.map { "\($0)" } ?? "the disk is full" : nil
            )
        )
        gate.hold(.picture(request, picture), after: newest)
    }

    private mutating func pictureOfQueues() -> (
        rows: [EnginePicture.Queue], all: EnginePicture.QueueCounts
    ) {
        var all = EnginePicture.QueueCounts()
        var top = TopK<(name: String, counts: EnginePicture.QueueCounts)>(
            Limits.pictureRows
        ) {
            ($1.counts.dead, $1.counts.depth, $0.name) < ($0.counts.dead, $0.counts.depth, $1.name)
        }
        for (name, queue) in views.work.queue.queues {
            let counts = EnginePicture.QueueCounts(queue)
            all += counts
            top.add((name, counts))
        }
        var reads = Limits.pictureReads
        var rows: [EnginePicture.Queue] = []
        for (name, counts) in top.sorted.sorted(by: { $0.name < $1.name }) {
            guard let queue = views.work.queue.queues[name] else { continue }
            rows.append(
                EnginePicture.Queue(
                    name: name,
                    counts: counts,
                    oldest: queue.oldestWaiting.flatMap { enqueued(at: $0, of: name, &reads) },
                    unserved: queue.unserved(limit: 8).map {
                        EnginePicture.Unserved(function: $0.function, count: $0.count)
                    }
                )
            )
        }
        return (rows, all)
    }

    /// When the oldest message of a queue was enqueued: its record says, which is read once.
    private mutating func enqueued(
        at offset: Offset,
        of queue: String,
        _ reads: inout Int
    ) -> Timestamp? {
        if let known = oldest[queue], known.offset == offset { return known.time }
        guard reads > 0 else { return oldest[queue]?.time }
        reads -= 1
        let time = try? log.record(at: offset) { $0.time }
        guard let time else { return nil }
        if oldest.count > 2 * Limits.pictureRows { oldest = [:] }
        oldest[queue] = (offset, time)
        return time
    }

    private func pictureOfWorkers() -> (rows: [EnginePicture.Worker], count: Int) {
        var count = 0
        var top = TopK<Worker>(Limits.pictureRows) {
            ($0.name ?? "", $0.joined.nanoseconds) < ($1.name ?? "", $1.joined.nanoseconds)
        }
        for worker in registry.workers.values
        where worker.pid != nil || worker.name != nil || !worker.functions.isEmpty {
            count += 1
            top.add(worker)
        }
        let rows = top.sorted.map { worker in
            EnginePicture.Worker(
                id: worker.id,
                name: worker.name,
                namespace: worker.namespace,
                runtime: worker.runtime,
                version: worker.version,
                functionCount: worker.functions.count,
                active: worker.inFlight,
                joined: worker.joined,
                address: worker.address,
                pid: worker.pid
            )
        }
        return (rows, count)
    }

    private func pictureOfFunctions() -> [EnginePicture.Function] {
        var top = TopK<(name: FunctionName, function: Registry.Function)>(
            Limits.pictureRows
        ) {
            ($0.name.id, $0.name.namespace) < ($1.name.id, $1.name.namespace)
        }
        for (name, function) in registry.functions { top.add((name, function)) }
        return top.sorted.map { name, function in
            EnginePicture.Function(
                name: name,
                worker: function.owners.first?.name ?? Catalogue.service(of: name.id),
                owners: function.owners.count,
                definition: function.definition
            )
        }
    }

    private func pictureOfTriggers() -> [EnginePicture.Trigger] {
        var top = TopK<(trigger: Registry.Trigger, isServed: Bool)>(Limits.pictureRows) {
            let isFirst = $0.trigger.isParked || !$0.isServed
            let isSecond = $1.trigger.isParked || !$1.isServed
            guard isFirst == isSecond else { return isFirst }
            return $0.trigger.request.id < $1.trigger.request.id
        }
        let registry = registry
        for trigger in registry.triggers.values {
            top.add((trigger, registry.isThere(trigger.function)))
        }
        return top.sorted.map { trigger, isServed in
            EnginePicture.Trigger(
                id: trigger.request.id,
                type: trigger.request.type,
                function: trigger.function,
                worker: trigger.owner.flatMap { registry.workers[$0]?.name }
                    ?? registry.functions[trigger.function]?.owners.first?.name ?? "",
                config: trigger.request.config,
                isParked: trigger.isParked,
                isServed: isServed
            )
        }
        .sorted { $0.id < $1.id }
    }

    private func pictureOfStreams() -> (
        rows: [EnginePicture.Stream], count: Int, subscribers: Int
    ) {
        let joined = streams.joined
        var empty = 0
        var top = TopK<EnginePicture.Stream>(Limits.pictureRows) {
            ($1.subscribers, $1.groups, $0.name) < ($0.subscribers, $0.groups, $1.name)
        }
        for (name, subscribers) in joined {
            let groups = views.streams.groupCount(of: name)
            if groups == 0 { empty += 1 }
            top.add(
                EnginePicture.Stream(name: name, groups: groups, subscribers: subscribers)
            )
        }
        for (name, groups) in views.streams.largest(Limits.pictureRows) where joined[name] == nil {
            top.add(EnginePicture.Stream(name: name, groups: groups, subscribers: 0))
        }
        return (
            top.sorted.sorted { $0.name < $1.name },
            views.streams.streamCount + empty,
            streams.subscribers
        )
    }
}

extension EnginePicture.QueueCounts {
    fileprivate init(_ queue: QueueState) {
        self.init(
            queues: 1,
            depth: queue.depth,
            inFlight: queue.inFlight,
            delayed: queue.delayedCount,
            dead: queue.deadCount,
            tally: EnginePicture.QueueTally(
                delivered: queue.tally.delivered,
                acked: queue.tally.acked,
                retried: queue.tally.retried,
                dead: queue.tally.dead
            )
        )
    }
}
