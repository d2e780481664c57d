import Disk
import Engine
import Observability
import Primitives

extension TelemetryExporter.Handle {
    /// Sends all that the log has, once nothing more comes: five seconds, and the collector goes
    /// without the rest.
    func flush(of follower: LogFollower) async {
        let limit = Duration.seconds(5)
        let start = ContinuousClock.now
        await follower.caughtUp(limit: limit)
        await flush(limit: max(.milliseconds(1), limit - (ContinuousClock.now - start)))
    }
}

extension LogFollower {
    /// Returns when all that is durable was followed, or `limit` is over.
    func caughtUp(limit: Duration) async {
        let start = ContinuousClock.now
        while log.next < tail.durable, ContinuousClock.now - start < limit {
            tail.waker.wake()
            do { try await Task.sleep(for: .milliseconds(10)) } catch { return }
        }
    }
}
