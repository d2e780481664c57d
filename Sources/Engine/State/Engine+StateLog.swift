import CommitLog
import Disk
import Folding
import JSON
import Primitives
import State

// Calls that ask what the state was, or what became of a message. The log is read for them by a
// thread of its own (``Effect/readLog(_:)``), beside everything else; what it is read for is
// durable by then.

extension Engine where Store: ~Copyable {
    /// Has the log read for a call.
    mutating func ask(
        _ question: Effect.LogQuery.Question,
        for call: Call,
        on connection: ConnectionID
    ) {
        guard logQueryCalls.count < Limits.logQueryCalls else {
            let busy = ErrorBody(
                code: "BUSY",
                message: "\(Limits.logQueryCalls) calls wait for the log already; try again"
            )
            return answer(call, on: connection, .failure(busy), after: nil)
        }
        var deadline = now.monotonic
        if case .state(.changes(let changes)) = question { deadline += changes.wait }
        lastRead += 1
        let asking = LogQueryCall(
            call: call,
            connection: connection,
            question: question,
            deadline: deadline
        )
        logQueryCalls.add(asking, lastRead)
        read(lastRead, question)
    }

    private mutating func read(_ id: UInt64, _ question: Effect.LogQuery.Question) {
        let reading = Effect.LogQuery(id: id, question: question, end: log.staged)
        gate.hold(reader: .readLog(reading), below: log.staged)
    }

    /// The log has been read.
    mutating func wasRead(_ id: UInt64, _ reading: Command.LogQueryResult) {
        guard let asking = logQueryCalls[id] else { return }
        let waits = reading.isEmpty && !isDraining && now.monotonic < asking.deadline
        guard waits, case .state(.changes(let changes)) = asking.question else {
            logQueryCalls.remove(id)
            return answer(asking.call, on: asking.connection, reading.result, after: nil)
        }
        // From here on: nothing is missed, and nothing is read twice.
        let rest = Effect.LogQuery.Question.state(.changes(changes.behind(reading.last)))
        logQueryCalls.update(id) {
            $0.question = rest
            $0.nothing = asking.isOvertaken ? nil : reading.result
            $0.isOvertaken = false
        }
        guard !asking.isOvertaken else { return read(id, rest) }
        timers.set(.changes(id), at: asking.deadline)
    }

    /// A key was written: whoever waits for that is answered.
    mutating func tellWaiting(of change: StateChange) {
        for id in logQueryCalls.watching(change.scope) {
            guard let asking = logQueryCalls[id],
                case .state(.changes(let changes)) = asking.question,
                changes.concerns(scope: change.scope, key: change.key)
            else { continue }
            guard asking.nothing != nil else {
                logQueryCalls.update(id) { $0.isOvertaken = true }
                continue
            }
            logQueryCalls.update(id) { $0.nothing = nil }
            read(id, asking.question)
        }
    }

    /// There was no change in time.
    mutating func endWaiting(_ id: UInt64) {
        guard let asking = logQueryCalls[id], let nothing = asking.nothing else { return }
        logQueryCalls.remove(id)
        answer(asking.call, on: asking.connection, nothing, after: nil)
    }

    /// Answers whoever waits for a change: the engine stops.
    mutating func endAllWaiting() {
        for id in logQueryCalls.names { endWaiting(id) }
    }
}
