import CommitLog
import Disk
import Events
import Folding
import JSON
import Primitives
import State
import Stream

// Values of the state, and of streams, that are not in memory. A call's answer that needs one is
// put together when the value has been read, and the core goes on meanwhile; what the call does is
// done at once.

/// A value as its record has it.
enum StoredValue {
    case state(StateSet)
    case stream(StreamSet)

    var value: [UInt8] {
        switch self {
        case .state(let set): set.value
        case .stream(let set): set.value
        }
    }
}

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
        if case .log(let question) = outcome.reply {
            return ask(.state(question), for: call, on: connection)
        }
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

    /// Answers the calls, and the requests, whose values have arrived.
    mutating func answerReads() throws(LogError) {
        while let name = log.takeRead() {
            if let waiting = waitingReplies.removeValue(forKey: name) {
                try answerNow(
                    waiting.exchange,
                    to: waiting.request,
                    from: waiting.response,
                    after: waiting.after
                )
                continue
            }
            guard let waiting = waitingAnswers.removeValue(forKey: name) else { continue }
            let result = resolve(waiting.reply)
            answer(waiting.call, on: waiting.connection, result, after: waiting.after)
        }
    }

    /// The answer; what is not in memory is read, and waited for.
    mutating func resolve(_ reply: StateReply) -> FunctionResult {
        var read: (stored: StoredValue, version: Offset)?
        do throws(ErrorBody) {
            let result = try reply.result { (version) throws(ErrorBody) in
                let stored = try Self.stored(at: version, in: &log)
                read = (stored, version)
                return stored.value
            }
            switch read {
            case (.state(let set), let version)?: views.state.keep(set, version: version)
            case (.stream(let set), let version)?: views.streams.keep(set, version: version)
            case nil: break
            }
            return result
        } catch {
            return .failure(error)
        }
    }

    /// Why who calls a function that writes would not get its answer, told before anything is
    /// written: who hears of a failure calls again, and a write would be done twice. Nil: the
    /// answer can be sent, or nobody waits for it.
    mutating func obstacle(toAnswering reply: StateReply, _ asker: Worker?) -> ErrorBody? {
        guard let asker else { return nil }
        let result: FunctionResult
        if case .ready(let ready) = reply {
            result = ready
        } else {
            // No two values are too much for the others, and to read one takes time.
            guard asker.receiveLimit < Limits.messageBytes else { return nil }
            result = resolve(reply)
        }
        guard case .value(let answer) = result, !asker.receives(answer.count) else { return nil }
        let obstacle = Self.tooLarge(answer.count, asker)
        return ErrorBody(
            code: obstacle.code,
            message: "nothing is written, as the answer could not be sent: \(obstacle.message). "
                + "A call that waits for no result (\"void\") writes it"
        )
    }

    static func decide(
        _ function: StateFunction,
        _ input: JSONText,
        _ state: borrowing StateView,
        _ log: inout CommitLog<Store>,
        now: Timestamp
    ) throws(ErrorBody) -> StateDecision {
        let moment = StateMoment(now: now, next: log.staged)
        return try state.decide(function, input: input, at: moment) { (version) throws(ErrorBody) in
            try stored(at: version, in: &log).value
        }
    }

    /// What a record of the log wrote.
    static func stored(
        at version: Offset,
        in log: inout CommitLog<Store>
    ) throws(ErrorBody) -> StoredValue {
        do throws(LogError) {
            let found: StoredValue? = try log.event(at: version) { event, _, _ in
                switch event {
                case .state(.set(let set)): .state(set)
                case .stream(.set(let set)): .stream(set)
                default: nil
                }
            }
            guard let found else { throw Self.strange(version, "a value's record") }
            return found
        } catch {
            throw unreadable("the value's record \(version)", error)
        }
    }
}
