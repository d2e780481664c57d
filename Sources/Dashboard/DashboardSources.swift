package import JSON
package import Observability
package import Primitives

/// What the dashboard asks the log's files: answered by whoever hands it a
/// ``DashboardSources``, on a thread of its own.
package enum LogQuestion: Sendable {
    /// All records of a request, by what `iii-log replay` takes as an id.
    case history(String)
    /// Records from an offset on.
    case records(from: Offset, limit: Int)
    case segments
    case whyKept(UInt64)
}

/// Where the dashboard has from what the engine's core does not know.
package struct DashboardSources: Sendable {
    package typealias Answer = Result<JSONText, ErrorBody>

    /// What following the log has shown.
    package let followed: FollowedLog
    package let processes: ProcessBoard
    /// Any thread asks; the answer comes on another one, once.
    package let ask: @Sendable (LogQuestion, @escaping @Sendable (Answer) -> Void) -> Void
    /// As above.
    package let lookAtHost: @Sendable (@escaping @Sendable (HostFigures) -> Void) -> Void

    package init(
        followed: FollowedLog,
        processes: ProcessBoard,
        ask: @escaping @Sendable (LogQuestion, @escaping @Sendable (Answer) -> Void) -> Void,
        lookAtHost: @escaping @Sendable (@escaping @Sendable (HostFigures) -> Void) -> Void
    ) {
        self.followed = followed
        self.processes = processes
        self.ask = ask
        self.lookAtHost = lookAtHost
    }
}

/// What the process takes of its machine, and how large the log is there.
package struct HostFigures: Equatable, Sendable {
    /// Resident.
    package var memoryBytes: UInt64 = 0
    /// Of all threads, user and system, since the process began.
    package var cpuSeconds = 0.0
    package var openFiles = 0
    package var fileLimit: UInt64 = 0
    /// Of the file system under the data directory.
    package var diskFreeBytes: UInt64 = 0
    package var diskBytes: UInt64 = 0
    package var logBytes: UInt64 = 0
    package var segments = 0
    package var snapshots = 0
    /// The offset of the newest one; nil: there is none.
    package var newestSnapshot: UInt64?
    /// Open connections by listener, as the ports file names those.
    package var connections: [Connections] = []

    package struct Connections: Equatable, Sendable {
        package let listener: String
        package let count: Int

        package init(listener: String, count: Int) {
            self.listener = listener
            self.count = count
        }
    }

    package init() {}
}
