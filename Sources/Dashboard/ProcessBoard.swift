import JSON
package import Primitives
import Synchronization

/// A worker process that the engine starts and keeps running, as it was at one moment.
package struct ProcessRow: Equatable, Sendable {
    package enum State: String, Sendable {
        case running
        /// Asked to end.
        case ending
        /// For its first start, or the next one.
        case waiting
        /// It does not start again by itself.
        case ended
    }

    /// How a run has ended, or why there was none.
    package struct Ending: Equatable, Sendable {
        package let time: Timestamp
        /// What it exited with; nil: a signal ended it, or it could not be started.
        package let status: Int32?
        /// Nil: no signal ended it.
        package let signal: Int32?
        /// In words, to stand behind its name.
        package let text: String

        package init(time: Timestamp, status: Int32? = nil, signal: Int32? = nil, text: String) {
            self.time = time
            self.status = status
            self.signal = signal
            self.text = text
        }

        /// As a shell has it: the status, or 128 and the signal; nil: it could not be started.
        var shellStatus: Int32? { status ?? signal.map { 128 + $0 } }
    }

    package let name: String
    package var state = State.waiting
    /// From when on it is in that state.
    package var since: Timestamp
    /// Nil: none runs.
    package var pid: Int32?
    /// Since the engine began, or since its settings were edited.
    package var starts = 0
    /// Nil: it has neither ended nor failed to start.
    package var lastEnding: Ending?

    /// One that has not been started.
    package init(name: String, since: Timestamp) {
        self.name = name
        self.since = since
    }

    var restarts: Int { max(0, starts - 1) }

    private func write(into json: inout JSONBuilder) {
        json.beginObject()
        json.key("name")
        json.string(name)
        json.key("state")
        json.string(state.rawValue)
        json.key("since_ms")
        json.integer(since.milliseconds)
        json.key("pid")
        if let pid { json.integer(Int64(pid)) } else { json.null() }
        json.key("restarts")
        json.integer(restarts)
        json.key("last_ending")
        if let lastEnding { lastEnding.write(into: &json) } else { json.null() }
        json.endObject()
    }

    /// Adds `"processes":[…]` to an object.
    static func write(_ rows: [ProcessRow], into json: inout JSONBuilder) {
        json.key("processes")
        json.beginArray()
        for row in rows { row.write(into: &json) }
        json.endArray()
    }
}

extension ProcessRow.Ending {
    fileprivate func write(into json: inout JSONBuilder) {
        json.beginObject()
        json.key("at_ms")
        json.integer(time.milliseconds)
        json.key("status")
        if let status { json.integer(Int64(status)) } else { json.null() }
        json.key("signal")
        if let signal { json.integer(Int64(signal)) } else { json.null() }
        json.key("text")
        json.string(text)
        json.endObject()
    }
}

/// The worker processes of the configuration, as the thread that owns them told of them last. Any
/// thread asks; nobody waits for that one.
package final class ProcessBoard: Sendable {
    private let told = Mutex<[ProcessRow]>([])

    package init() {}

    /// In the place of what was told before.
    package func tell(_ rows: [ProcessRow]) { told.withLock { $0 = rows } }

    package var rows: [ProcessRow] { told.withLock { $0 } }
}
