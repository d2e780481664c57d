import CommitLog
import Disk
import Events
import Primitives

// Telling of dead letters. The first of a queue is told of at once, those that follow within a
// second together: a handler that fails always must not fill the engine's own output.

/// The dead letters of a queue since the last line about it.
struct UntoldLetters {
    fileprivate var count = 0
    fileprivate var last: DeadLettered?
}

extension Engine where Store: ~Copyable {
    mutating func tell(of letter: DeadLettered) {
        guard untoldLetters[letter.queue] == nil else {
            untoldLetters[letter.queue]?.count += 1
            untoldLetters[letter.queue]?.last = letter
            return
        }
        let attempts = letter.failures == 1 ? "1 attempt" : "\(letter.failures) attempts"
        notice(
            .warning,
            "message \(letter.message) of queue \(letter.queue) is a dead letter after \(attempts):"
                + " \(letter.error.message)"
        )
        awaitLetters(of: letter.queue)
    }

    /// A second is over since the last line about the dead letters of a queue.
    mutating func tellOfLetters(of queue: String) {
        guard let untold = untoldLetters.removeValue(forKey: queue), let last = untold.last else {
            return
        }
        let letters = untold.count == 1 ? "1 more message" : "\(untold.count) more messages"
        let verb = untold.count == 1 ? "is a dead letter" : "are dead letters"
        notice(
            .warning,
            "\(letters) of queue \(queue) \(verb), the last one message \(last.message): "
                + last.error.message
        )
        awaitLetters(of: queue)
    }

    private mutating func awaitLetters(of queue: String) {
        untoldLetters[queue] = UntoldLetters()
        timers.set(.deadLetters(queue), at: now.monotonic + Limits.deadLetterNotices)
    }
}
