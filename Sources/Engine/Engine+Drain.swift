import CommitLog
import Disk
import Primitives

extension Engine where Store: ~Copyable {
    /// A drain has had `limit`: whoever runs the engine ends it now, whatever still runs.
    mutating func endDrain(_ limit: String) throws(LogError) {
        isCutOff = true
        // What is said by the second would not be said any more.
        for queue in untoldLetters.keys.sorted() { tellOfLetters(of: queue) }
        guard runningCount > 0 || !exchanges.isEmpty else { return }
        notice(
            .warning,
            "calls that did not end within \(limit) ([engine] drain_timeout): \(runningCount), and "
                + "\(exchanges.count) requests got no response. What a queue has handed out is "
                + "delivered again by the next start."
        )
        try cutOffCalls()
    }

    /// Whether a drain has come to its end: nothing runs any more, or what does was cut off, and
    /// whoever had to be told has been.
    var hasDrained: Bool { isDraining && (isQuiet || isCutOff && gate.isEmpty) }

    /// Who waits for the result of a call hears that none will come, before its connection ends. In
    /// the order in which they began.
    private mutating func cutOffCalls() throws(LogError) {
        var calls: [Invocation] = []
        for worker in registry.workers.values {
            for call in worker.serving.values where call.run.isAwaited {
                if let call = worker.end(call.id) { calls.append(call) }
            }
        }
        for (id, fetching) in fetches where fetching.invocation.run.isAwaited {
            fetches[id] = nil
            calls.append(fetching.invocation)
        }
        for call in calls.sorted(by: { $0.record < $1.record }) { try interrupt(call) }
    }
}
