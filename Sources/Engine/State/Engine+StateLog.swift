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
        if let nothing = nothing(for: question) { return wasRead(lastRead, nothing) }
        read(lastRead, question)
    }

    /// What the log would tell where nothing was changed behind the record that a call names; nil:
    /// it has to be read.
    private func nothing(for question: Effect.LogQuery.Question) -> Command.LogQueryResult? {
        guard case .state(.changes(let changes)) = question, let newest, changes.after <= newest
        else { return nil }
        var changed = newest
        if let scope = changes.scope {
            // Since the newest snapshot; where it does not know, the log does.
            changed = views.state.changed(scope: scope) ?? newest
        }
        guard changed <= changes.after else { return nil }
        return Command.LogQueryResult(
            result: .value(StateAnswer.noChanges(upTo: newest)),
            isEmpty: true,
            last: newest
        )
    }

    private mutating func read(_ id: UInt64, _ question: Effect.LogQuery.Question) {
        var reading = Effect.LogQuery(id: id, question: question, end: log.staged)
        if case .state(.changes(let changes)) = question {
            reading.entrance = log.entrance(to: changes.after.advanced(by: 1))
        }
        gate.hold(reader: .readLog(reading), below: log.staged)
    }

    /// The log has been read, or need not be.
    mutating func wasRead(_ id: UInt64, _ reading: Command.LogQueryResult) {
        guard let asking = logQueryCalls[id] else { return }
        let waits = reading.isEmpty && !isDraining && now.monotonic < asking.deadline
        guard waits, case .state(.changes(let changes)) = asking.question else {
            logQueryCalls.remove(id)
            // That nothing was changed may rest on what was not read.
            let last = reading.isEmpty ? reading.last : nil
            return answer(asking.call, on: asking.connection, reading.result, after: last)
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

    /// A key was written behind the record at `last`: whoever waits for that is answered.
    mutating func tellWaiting(of change: StateChange, behind last: Offset) {
        for id in logQueryCalls.watching(change.scope) {
            guard let asking = logQueryCalls[id],
                case .state(.changes(let changes)) = asking.question,
                changes.concerns(scope: change.scope, key: change.key)
            else { continue }
            guard asking.nothing != nil else {
                logQueryCalls.update(id) { $0.isOvertaken = true }
                continue
            }
            // Up to there nothing concerns it, or it would have been told. And so all who wait for
            // this one ask the same.
            let question = Effect.LogQuery.Question.state(.changes(changes.behind(last)))
            logQueryCalls.update(id) {
                $0.nothing = nil
                $0.question = question
            }
            read(id, question)
        }
    }

    /// There was no change in time.
    mutating func endWaiting(_ id: UInt64) {
        guard let asking = logQueryCalls[id], let nothing = asking.nothing,
            case .state(.changes(let changes)) = asking.question
        else { return }
        logQueryCalls.remove(id)
        answer(asking.call, on: asking.connection, nothing, after: changes.after)
    }

    /// Answers whoever waits for a change: the engine stops.
    mutating func endAllWaiting() {
        for id in logQueryCalls.names { endWaiting(id) }
    }
}
