import Disk

extension Engine where Store: ~Copyable {
    /// A drain has had `limit`: whoever runs the engine ends it now, whatever still runs.
    mutating func endDrain(_ limit: String) {
        // What is said by the second would not be said any more.
        for queue in untoldLetters.keys.sorted() { tellOfLetters(of: queue) }
        guard runningCount > 0 || !exchanges.isEmpty else { return }
        notice(
            .warning,
            "calls that did not end within \(limit) ([engine] drain_timeout): \(runningCount), and "
                + "\(exchanges.count) requests got no response. What a queue has handed out is "
                + "delivered again by the next start."
        )
    }
}
