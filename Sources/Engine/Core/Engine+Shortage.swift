import CommitLog
import ConfigurationEntries
import Cron
import Disk
import HTTP
import Primitives
import Queue
import State
import Stream

// A full disk is a pause. While the log is in its reserve, new work is refused with a typed error;
// what brings work to an end (results, acknowledgements, deliveries, deletes, reads) goes on, and
// everything does again as soon as there is room.

extension Engine where Store: ~Copyable {
    /// Refuses a command that would begin new work, and says so to whoever sent it. Asked for each
    /// command: those of one turn may be more than what is left.
    ///
    /// - Returns: false: it is to be handled.
    mutating func refusesForShortage(_ command: Command) -> Bool {
        switch command {
        case .call(let connection, let call)
        where beginsWork(call) && isTooMuch(call.payload.count):
            answer(call, on: connection, .failure(Self.storageFull), after: nil)
        case .request(let exchange, let request, _) where isTooMuch(request.body.count):
            let reply = HTTPReply(status: 507, error: Self.storageFull)
            gate.hold(.respond(exchange, reply, trace: nil), after: nil)
        case .reported where isTooMuch(0): break
        default: return false
        }
        beginShortage()
        return true
    }

    private func isTooMuch(_ bytes: Int) -> Bool {
        isInShortage || log.cutsReserve(by: bytes)
    }

    private func beginsWork(_ call: Call) -> Bool {
        if case .enqueue = call.action { return true }
        guard let builtin = Builtin.named(call.function) else { return true }
        return builtin.beginsWork
    }

    private static var storageFull: ErrorBody {
        ErrorBody(
            code: "STORAGE_FULL",
            message: "the disk under the log is full: no new work is taken until there is room; "
                + "what is under way goes on"
        )
    }

    /// Tells of the begin and the end of a shortage. Called once a turn.
    mutating func watchShortage() {
        if log.isInReserve { beginShortage() }
        guard isInShortage, !log.isDiskFull else { return }
        isInShortage = false
        notice(.info, "there is room for the log again: new work is taken")
    }

    private mutating func beginShortage() {
        guard !isInShortage, let obstacle = log.obstacle else { return }
        isInShortage = true
        notice(
            .error,
            "new work is refused with STORAGE_FULL: \(obstacle). The engine then goes on by itself"
        )
    }
}

extension Builtin {
    /// Whether a call adds to what the log has to hold, and is not about getting rid of something.
    fileprivate var beginsWork: Bool {
        switch self {
        case .state(.set), .state(.update), .state(.transact), .stream(.set), .stream(.update),
            .stream(.send), .publish, .enqueue, .log, .queue(.define), .publishToSubscribers,
            .bindTrigger, .cron(.run), .configuration(.register), .configuration(.set), .replay:
            true
        case .state, .stream, .queue, .registerWorker, .listing, .telemetry, .cron, .createChannel,
            .unbindTrigger, .configuration, .segments:
            false
        }
    }
}
