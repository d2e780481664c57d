import Engine
import LogTools

/// Answers what the log is asked about the state, one question after the other, on a thread of its
/// own: it reads the files beside the core, which goes on.
final class LogReadings: Sendable {
    private let path: String
    private let inbox: Inbox
    private let thread: JobThread

    init(_ configuration: Configuration, inbox: Inbox) throws(ServeError) {
        path = configuration.engine.data
        self.inbox = inbox
        thread = try JobThread("iii-history")
    }

    /// Any thread. How many can wait is the core's business.
    func add(_ reading: Effect.Reading) { thread.add { self.answer(reading) } }

    private func answer(_ reading: Effect.Reading) {
        let answer = StateReading(reading.question, below: reading.end, of: path)
        let told = Command.Reading(
            result: answer.result,
            isEmpty: answer.isEmpty,
            last: answer.last
        )
        inbox.offer(.logRead(reading.id, told))
    }
}
