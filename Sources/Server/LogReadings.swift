import Engine
import LogTools
import Primitives
import State
import Synchronization

/// Answers what the log is asked about the state, messages and its files, one question after the
/// other, on a thread of its own: it reads the files beside the core, which goes on.
final class LogReadings: Sendable {
    private let path: String
    private let inbox: Inbox
    private let thread: JobThread
    /// What was answered last about the state: those whom one write wakes ask the same.
    private let last = Mutex<Answered?>(nil)

    private struct Answered: Sendable {
        let question: StateQuestion
        let end: Offset
        let answer: StateReading
    }

    init(_ configuration: Configuration, inbox: Inbox) throws(ServeError) {
        path = configuration.engine.data
        self.inbox = inbox
        thread = try JobThread("iii-history")
    }

    /// Any thread. How many can wait is the core's business.
    func add(_ reading: Effect.LogQuery) { thread.add { self.answer(reading) } }

    private func answer(_ reading: Effect.LogQuery) {
        switch reading.question {
        case .state(let question):
            tell(answer(to: question, reading), of: reading.id)
        case .job(let question):
            let search = MessageSearch(question, below: reading.end, of: path)
            inbox.offer(.foundMessages(reading.id, search.result))
        case .segments(let question):
            let result = SegmentReading.answer(question, of: path)
            let told = Command.LogQueryResult(result: result, isEmpty: false, last: .zero)
            inbox.offer(.logRead(reading.id, told))
        }
    }

    private func answer(to question: StateQuestion, _ reading: Effect.LogQuery) -> StateReading {
        let known = last.withLock { $0 }
        if let known, known.question == question, known.end == reading.end { return known.answer }
        let answer = StateReading(
            question,
            below: reading.end,
            through: reading.entrance,
            of: path
        )
        // What could not be read is tried again.
        if case .failure = answer.result { return answer }
        last.withLock { $0 = Answered(question: question, end: reading.end, answer: answer) }
        return answer
    }

    private func tell(_ answer: StateReading, of id: UInt64) {
        let told = Command.LogQueryResult(
            result: answer.result,
            isEmpty: answer.isEmpty,
            last: answer.last
        )
        inbox.offer(.logRead(id, told))
    }
}
