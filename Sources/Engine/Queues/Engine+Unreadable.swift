import CommitLog
import Disk
import Events
import Folding
import Primitives
import Queue
import RecordFormat

// Records that cannot be read back. A disk that refuses one, and a process that has no descriptor
// left to read by, say nothing of the record: what needs it waits, or is to be asked for again.
// Only what was read, and is not what was written, is given up.

extension Engine where Store: ~Copyable {
    /// What whoever asked is told of a record that could not be read.
    static func unreadable(_ what: String, _ error: LogError) -> ErrorBody {
        guard error.leavesRecord else {
            let text = "\(what) cannot be read: \(error.line)"
            return ErrorBody(code: "record_unreadable", message: text)
        }
        return ErrorBody(
            code: "read_refused",
            message: "\(what) cannot be read for the moment; try again: \(error.line)"
        )
    }

    /// A record is another one than the views say, which know of it from a snapshot: somebody has
    /// put another log there.
    static func strange(_ offset: Offset, _ expected: String) -> LogError {
        .undecodable(offset, DecodeError(position: 0, expected: expected))
    }

    // MARK: Messages

    /// What is not kept in memory is read back from the log, and waited for.
    mutating func content(of message: Message) throws(LogError) -> Message.Content {
        if let content = message.content { return content }
        let content: Message.Content? = try log.event(at: message.offset) { event, time, trace in
            guard case .queue(.enqueued(let event)) = event else { return nil }
            return Message.Content(event, time: time, trace: trace)
        }
        guard let content else { throw Self.strange(message.offset, "a message's record") }
        return content
    }

    /// The next message of a queue could not be read. It is given up only where it was read, and is
    /// damaged; else it keeps its place, and no attempt is counted.
    mutating func couldNotRead(
        _ message: Message,
        of queue: String,
        _ error: LogError
    ) throws(LogError) {
        guard error.leavesRecord else { return try deadLetter(message, of: queue, error) }
        let text = "message \(message.offset) of queue \(queue)"
        guard !error.isRetryable else {
            // Those behind it could not be read either.
            let end = now.wall.advanced(by: .init(nanoseconds: Limits.unreadableRest))
            guard views.work.queue.pause(queue, until: end) else { return }
            return notice(.warning, "\(text) waits until it can be read: \(error.line)")
        }
        guard views.work.queue.putAside(message, of: queue, now: now.wall) else { return }
        notice(
            .error,
            "the disk does not give \(text): \(error.line). It keeps its place and has lost no "
                + "attempt, and so do others of the queue that the disk refuses; they are tried "
                + "again by themselves, after two seconds and then less and less often. See what "
                + "the kernel says of the disk (`dmesg`), and what `iii-log verify` finds"
        )
    }

    /// A message was read from the log that is about to be delivered.
    mutating func wasRead(_ message: Message, of queue: String) {
        guard views.work.queue.wasRead(message, of: queue) else { return }
        notice(
            .info,
            "the disk gives message \(message.offset) of queue \(queue) again: what waits with it "
                + "is tried, too"
        )
    }

    /// What cannot be read can neither be delivered nor repaired by trying again.
    private mutating func deadLetter(
        _ message: Message,
        of queue: String,
        _ error: LogError
    ) throws(LogError) {
        let text = "message \(message.offset) of queue \(queue)"
        notice(.error, "\(text) cannot be read: \(error.line)")
        let letter = DeadLettered(
            queue: queue,
            message: message.offset,
            failures: message.failures,
            error: ErrorBody(code: "record_unreadable", message: error.line)
        )
        try record(.queue(.deadLettered(letter)), cause: message.offset)
    }

    // MARK: State triggers of before a crash

    /// Functions that an earlier life left to be run wait: the record that says how cannot be read
    /// for the moment.
    mutating func rest(_ reactions: Reactions, _ error: LogError) {
        restingReactions.all.append(reactions)
        guard restingReactions.all.count == 1 else { return }
        timers.set(.restingReactions, at: now.monotonic + UInt64(restingReactions.rest))
        guard restingReactions.rest == Limits.unreadableRest else { return }
        notice(
            .error,
            "what a state trigger fired before the last start waits until its record can be read, "
                + "and is tried again by itself: \(error.line)"
        )
    }

    mutating func tryRestingReactions() throws(LogError) {
        // The next life does what is left.
        guard !isDraining else { return }
        let all = restingReactions.all
        restingReactions.all = []
        restingReactions.rest = min(2 * restingReactions.rest, Limits.unreadableRestMax)
        for reactions in all {
            try givingUpTooLarge { (engine) throws(LogError) in try engine.pump(reactions) }
        }
        if restingReactions.all.isEmpty { restingReactions.rest = Limits.unreadableRest }
    }
}

/// What an earlier life left to be run, of which the records cannot be read for the moment.
struct RestingReactions {
    var all: [Reactions] = []
    /// Until they are tried again, in nanoseconds.
    var rest = Limits.unreadableRest
}

extension ErrorBody {
    /// Whether the same call may get an answer later: the disk has refused to give what it needs.
    var isReadRefusal: Bool { code == "read_refused" }
}
