import Dashboard
import Synchronization
import Testing

@testable import Server

@Suite("Worker processes")
struct WorkerProcessesTests {
    private final class Count: Sendable {
        private let state = Mutex(0)

        func add() { state.withLock { $0 += 1 } }
        var value: Int { state.withLock { $0 } }
    }

    @Test("without a thread for them the next call tries again, and a stop waits for nothing")
    func noThread() async throws {
        let asked = Count()
        let host = WorkerProcesses.Host(
            url: "ws://127.0.0.1:1",
            environment: [:],
            surroundings: ChildProcess.Surroundings(mask: 0o077, descriptors: 1024),
            data: "/nowhere",
            watchesSources: false,
            board: ProcessBoard(),
            report: Report(isJSON: false, least: .error)
        )
        let processes = WorkerProcesses(host) { _ in
            asked.add()
            return false
        }
        var exec = Configuration.Exec()
        exec.name = "w"
        processes.want([exec])
        processes.want([exec])
        try #require(asked.value == 2)
        let stopped = AsyncEvent()
        Task {
            await processes.stop()
            stopped.arrive()
        }
        let hasStopped = await stopped.wait(limit: .seconds(60))
        #expect(hasStopped)
        processes.want([exec])
        #expect(asked.value == 2)
    }
}
