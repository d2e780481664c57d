import CommitLog
import Disk
import Folding
import JSON
import Primitives
import State

// Calls that ask what the state was, or what became of a message. The log is read for them by a
// thread of its own (``Effect/readLog(_:)``), beside everything else; what it is read for is
// durable by then.

/// A call that the log is read for, or that waits for a change.
struct AskingCall {
    let call: Call
    let connection: ConnectionID
    var question: Effect.Reading.Question
    /// Until when there need not be changes, on the monotonic clock.
    let deadline: UInt64
    /// What it is answered at its deadline; nil: the log is being read for it.
    var nothing: FunctionResult?
    /// A change that it waits for was made while the log was being read for it.
    var isOvertaken = false
}

extension Engine where Store: ~Copyable {
    /// Has the log read for a call.
    mutating func ask(
        _ question: Effect.Reading.Question,
        for call: Call,
        on connection: ConnectionID
    ) {
        guard askingCalls.count < Limits.askingCalls else {
            let busy = ErrorBody(
                code: "BUSY",
                message: "\(Limits.askingCalls) calls wait for the log already; try again"
            )
            return answer(call, on: connection, .failure(busy), after: nil)
        }
        var deadline = now.monotonic
        if case .state(.changes(let changes)) = question { deadline += changes.wait }
        lastRead += 1
        askingCalls[lastRead] = AskingCall(
            call: call,
            connection: connection,
            question: question,
            deadline: deadline
        )
        read(lastRead, question)
    }

    private mutating func read(_ id: UInt64, _ question: Effect.Reading.Question) {
        let reading = Effect.Reading(id: id, question: question, end: log.staged)
        gate.hold(reader: .readLog(reading), below: log.staged)
    }

    /// The log has been read.
    mutating func wasRead(_ id: UInt64, _ reading: Command.Reading) {
        guard var asking = askingCalls[id] else { return }
        let waits = reading.isEmpty && !isDraining && now.monotonic < asking.deadline
        guard waits, case .state(.changes(let changes)) = asking.question else {
            askingCalls[id] = nil
            return answer(asking.call, on: asking.connection, reading.result, after: nil)
        }
        // From here on: nothing is missed, and nothing is read twice.
        asking.question = .state(.changes(changes.behind(reading.last)))
        if asking.isOvertaken {
            asking.isOvertaken = false
            askingCalls[id] = asking
            return read(id, asking.question)
        }
        asking.nothing = reading.result
        askingCalls[id] = asking
        timers.set(.changes(id), at: asking.deadline)
    }

    /// A key was written: whoever waits for that is answered.
    mutating func tellWaiting(of change: StateChange) {
        guard !askingCalls.isEmpty else { return }
        for (id, asking) in askingCalls {
            guard case .state(.changes(let changes)) = asking.question,
                changes.concerns(scope: change.scope, key: change.key)
            else { continue }
            guard asking.nothing != nil else {
                askingCalls[id]?.isOvertaken = true
                continue
            }
            askingCalls[id]?.nothing = nil
            read(id, asking.question)
        }
    }

    /// There was no change in time.
    mutating func endWaiting(_ id: UInt64) {
        guard let asking = askingCalls[id], let nothing = asking.nothing else { return }
        askingCalls[id] = nil
        answer(asking.call, on: asking.connection, nothing, after: nil)
    }

    /// Answers whoever waits for a change: the engine stops.
    mutating func endAllWaiting() {
        for id in askingCalls.keys.sorted() { endWaiting(id) }
    }
}
