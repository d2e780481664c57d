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
        batches.look(flushed: log.flushed, durable: log.durable, now)
    }

    /// Hands a picture over once everything in it is on disk.
    mutating func takePicture(_ request: PictureRequest) {
        let picture = EnginePicture(
            now: now.wall,
            version: registry.version,
            queues: pictureOfQueues(),
            workers: pictureOfWorkers(),
            functions: request.known == registry.version ? nil : pictureOfFunctions(),
            triggers: request.known == registry.version ? nil : pictureOfTriggers(),
            streams: pictureOfStreams(),
            work: EnginePicture.Work(
                workers: registry.workers.count,
                spawned: metrics.spawned,
                died: metrics.died,
                functions: registry.functions.count,
                triggers: registry.triggers.count,
                running: runningCount,
                requests: exchanges.count,
                waitingRequests: waitingRequests.count,
                held: gate.count,
                droppedTelemetry: droppedFrames,
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

    private mutating func pictureOfQueues() -> [EnginePicture.Queue] {
        var reads = Limits.pictureReads
        var rows: [EnginePicture.Queue] = []
        for (name, queue) in views.work.queue.queues.sorted(by: { $0.key < $1.key })
            .prefix(Limits.pictureRows)
        {
            rows.append(
                EnginePicture.Queue(
                    name: name,
                    depth: queue.depth,
                    inFlight: queue.inFlight,
                    delayed: queue.delayedCount,
                    dead: queue.deadCount,
                    oldest: queue.oldestWaiting.flatMap { enqueued(at: $0, of: name, &reads) },
                    unserved: queue.unserved(limit: 8).map {
                        EnginePicture.Unserved(function: $0.function, count: $0.count)
                    },
                    tally: EnginePicture.QueueTally(
                        delivered: queue.tally.delivered,
                        acked: queue.tally.acked,
                        failed: queue.tally.failed,
                        dead: queue.tally.dead
                    )
                )
            )
        }
        return rows
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

    private func pictureOfWorkers() -> [EnginePicture.Worker] {
        registry.workers.values.lazy
            .filter { $0.pid != nil || $0.name != nil || !$0.functions.isEmpty }
            .prefix(Limits.pictureRows)
            .map { worker in
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
            .sorted {
                ($0.name ?? "", $0.joined.nanoseconds) < ($1.name ?? "", $1.joined.nanoseconds)
            }
    }

    private func pictureOfFunctions() -> [EnginePicture.Function] {
        registry.functions.lazy.prefix(Limits.pictureRows)
            .map { name, function in
                EnginePicture.Function(
                    name: name,
                    worker: function.owners.first?.name ?? Catalogue.service(of: name.id),
                    owners: function.owners.count,
                    definition: function.definition
                )
            }
            .sorted { ($0.name.id, $0.name.namespace) < ($1.name.id, $1.name.namespace) }
    }

    private func pictureOfTriggers() -> [EnginePicture.Trigger] {
        let registry = registry
        return registry.triggers.values.lazy.prefix(Limits.pictureRows)
            .map { trigger in
                EnginePicture.Trigger(
                    id: trigger.request.id,
                    type: trigger.request.type,
                    function: trigger.function,
                    worker: trigger.owner.flatMap { registry.workers[$0]?.name }
                        ?? registry.functions[trigger.function]?.owners.first?.name ?? "",
                    config: trigger.request.config,
                    isParked: trigger.isParked,
                    isServed: registry.isServed(trigger.function)
                        || Builtin.named(trigger.function) != nil
                )
            }
            .sorted { $0.id < $1.id }
    }

    private func pictureOfStreams() -> [EnginePicture.Stream] {
        var sizes: [String: (groups: Int, subscribers: Int)] = [:]
        for (name, groups) in views.streams.sizes(limit: Limits.pictureRows) {
            sizes[name] = (groups, 0)
        }
        for (group, attendance) in streams.groups.prefix(8 * Limits.pictureRows) {
            sizes[group.stream, default: (0, 0)].subscribers += attendance.members.count
        }
        return sizes.map { name, size in
            EnginePicture.Stream(name: name, groups: size.groups, subscribers: size.subscribers)
        }
        .sorted { $0.name < $1.name }
    }
}
