import CommitLog
import Disk
import HTTP
import Primitives
import Queue
import State

// A full disk is a pause. While the log is in its reserve, new work is refused with a typed error;
// what brings work to an end (results, acknowledgements, deliveries, deletes, reads) goes on, and
// everything does again as soon as there is room.

extension Engine where Store: ~Copyable {
    /// Refuses a command that would begin new work, and says so to whoever sent it.
    ///
    /// - Returns: false: it is to be handled.
    mutating func refusesForShortage(_ command: Command) -> Bool {
        switch command {
        case .call(let connection, let call) where beginsWork(call):
            answer(call, on: connection, .failure(Self.storageFull), after: nil)
        case .request(let exchange, _, _):
            let reply = HTTPReply(status: 507, error: Self.storageFull)
            gate.hold(.respond(exchange, reply, trace: nil), after: nil)
        case .logged: break
        default: return false
        }
        return true
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
        guard log.isInReserve != isInShortage else { return }
        isInShortage = log.isInReserve
        if isInShortage {
            notice(
                .error,
                "the disk under \(log.path) is full: new work is refused with STORAGE_FULL; free "
                    + "some space, the engine then goes on by itself"
            )
        } else {
            notice(.info, "there is room for the log again: new work is taken")
        }
    }
}

extension Builtin {
    /// Whether a call adds to what the log has to hold, and is not about getting rid of something.
    fileprivate var beginsWork: Bool {
        switch self {
        case .state(.set), .state(.update), .publish, .enqueue, .log, .queue(.define): true
        case .state, .queue, .registerWorker, .listWorkers, .listFunctions, .listTriggers: false
        }
    }
}
