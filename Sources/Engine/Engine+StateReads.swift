import CommitLog
import Disk
import Events
import JSON
import Primitives
import State

// Values of the state that are not in memory. A call's answer that needs one is put together when
// the value has been read, and the core goes on meanwhile; what the call does is done at once.

/// An answer that waits for a value.
struct WaitingAnswer {
    let call: Call
    let connection: ConnectionID
    let reply: StateReply
    /// What must be durable besides.
    let after: Offset?
}

extension Engine where Store: ~Copyable {
    /// Answers a call of a builtin, now or when what it needs has been read.
    mutating func answer(_ call: Call, on connection: ConnectionID, _ outcome: Outcome) {
        guard call.action == .await else { return }
        if let missing = outcome.reply.missing {
            lastRead += 1
            if log.beginRead(missing, name: lastRead) {
                waitingAnswers[lastRead] = WaitingAnswer(
                    call: call,
                    connection: connection,
                    reply: outcome.reply,
                    after: outcome.after
                )
                return
            }
        }
        answer(call, on: connection, resolve(outcome.reply), after: outcome.after)
    }

    /// Answers the calls whose values have arrived.
    mutating func answerReads() {
        while let name = log.takeRead() {
            guard let waiting = waitingAnswers.removeValue(forKey: name) else { continue }
            let result = resolve(waiting.reply)
            answer(waiting.call, on: waiting.connection, result, after: waiting.after)
        }
    }

    /// The answer; what is not in memory is read, and waited for.
    mutating func resolve(_ reply: StateReply) -> FunctionResult {
        do throws(ErrorBody) {
            return try reply.result { (version) throws(ErrorBody) in
                try Self.value(at: version, in: &log)
            }
        } catch {
            return .failure(error)
        }
    }

    static func decide(
        _ function: StateFunction,
        _ input: JSONText,
        _ state: borrowing StateView,
        _ log: inout CommitLog<Store>
    ) throws(ErrorBody) -> StateDecision {
        try state.decide(function, input: input) { (version) throws(ErrorBody) in
            try value(at: version, in: &log)
        }
    }

    /// The value that a record of the log wrote.
    private static func value(
        at version: Offset,
        in log: inout CommitLog<Store>
    ) throws(ErrorBody) -> [UInt8] {
        do throws(LogError) {
            let value: [UInt8]? = try log.record(at: version) { record in
                guard case .state(.set(let set)) = try? Event(record) else { return nil }
                return set.value
            }
            guard let value else { preconditionFailure("a version is a value's record") }
            return value
        } catch {
            throw ErrorBody(
                code: "record_unreadable",
                message: "the value's record \(version) cannot be read: \(error)"
            )
        }
    }
}
