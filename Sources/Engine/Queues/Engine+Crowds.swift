import CommitLog
import Disk
import Folding
import Primitives
import Queue

// Large messages for workers that have enough of them. A queue's concurrency says how many messages
// run at a time, and nothing of how large they are: all that is handed out is in memory until it is
// answered, and waits in the worker's socket until it has been read. So what is large of that which
// queues have handed to one worker is bounded in bytes as well.

/// The next message of a queue, where that waits for room.
struct CrowdedHead {
    let message: Offset
    let function: FunctionName
    /// What its worker is to be sent, but for what every message has around it.
    let bytes: Int
}

extension Engine where Store: ~Copyable {
    /// Whether the next message of a queue waits, as all have enough that serve its function, or
    /// all that serve the condition which is asked about it. What is small never does, nor what is
    /// for a worker that has nothing, however large.
    mutating func awaitsRoom(_ head: CrowdedHead, of queue: String) -> Bool {
        guard head.bytes > Limits.smallDelivery else {
            if !crowdedQueues.isEmpty { crowdedQueues[queue] = nil }
            return false
        }
        let state = views.work.queue.queues[queue]
        let isIdle = state?.inFlight == 0
        let registry = registry
        let asked: [FunctionName?] = [head.function, state?.condition]
        let isCrowded = asked.compactMap { $0 }.contains {
            registry.isCrowded($0, bytes: head.bytes, isIdle: isIdle)
        }
        crowdedQueues[queue] = isCrowded ? head : nil
        return isCrowded
    }

    /// So much of a queue has ended in this turn that the rest waits for a moment: a backlog of
    /// what ends at once would keep the core from everybody else.
    mutating func rest(_ queue: String) {
        restingQueues.insert(queue)
        timers.set(.queueRest(queue), at: now.monotonic + Limits.queueRest)
    }

    /// A queue has rested.
    mutating func endRest(of queue: String) throws(LogError) {
        guard restingQueues.remove(queue) != nil else { return }
        try pump(queue)
    }

    /// Something of a queue that ran has ended, or a worker has come or gone: what waited for room
    /// may go.
    mutating func pumpCrowded() throws(LogError) {
        for queue in crowdedQueues.keys.sorted() {
            guard let head = crowdedQueues[queue], !awaitsRoom(head, of: queue) else { continue }
            try pump(queue)
        }
    }
}
