import Engine
import Events
import LogTools
import Primitives
import RecordFormat
import Stream

/// Reads from the log what subscribers have missed that come back, on a thread of its own.
///
/// A piece at a time: the next one of a subscriber is read when it has taken the one before, and
/// the others have their turn meanwhile. Memory is bounded by the subscribers that read.
final class StreamReplayer: Sendable {
    /// Hands messages to a subscriber, and then calls back: whether it took them, or is gone. Of a
    /// replay that was cancelled it may never call.
    typealias Delivery =
        @Sendable ([StreamMessage], _ done: @escaping @Sendable (_ isThere: Bool) -> Void) -> Void

    private struct Job: Sendable {
        let replay: StreamReplay
        var next: Offset
        let deliver: Delivery
    }

    private let path: String
    private let inbox: Inbox
    private let thread: JobThread

    /// Of one piece.
    private static let messages = 512
    private static let messageBytes = 1 << 20
    private static let records = 200_000

    init(path: String, inbox: Inbox) throws(ServeError) {
        self.path = path
        self.inbox = inbox
        thread = try JobThread("iii-replay")
    }

    /// Any thread.
    func replay(_ replay: StreamReplay, _ deliver: @escaping Delivery) {
        add(Job(replay: replay, next: replay.records.lowerBound, deliver: deliver))
    }

    private func add(_ job: Job) { thread.add { self.step(job) } }

    private func step(_ job: Job) {
        guard !job.replay.isCancelled else { return }
        let end = job.replay.records.upperBound
        var next = job.next
        let piece = Piece(job.replay.join)
        var hasHole = false
        do throws(ToolError) {
            let pass = try LogPass(.directory(path))
            try pass.read(from: next) { record in
                guard record.offset < end else { return false }
                guard record.offset == next else {
                    hasHole = true
                    return false
                }
                next = record.offset.advanced(by: 1)
                piece.take(record)
                return next < end && !piece.isFull
            }
        } catch {
            let reason = "the log cannot be read: \(error.message)"
            // The core asks again, a few times: the disk may give it in a moment.
            let isRefused = error.code == .unreadable
            return finish(job, isRefused ? .refused(from: job.next, reason) : .lost(reason))
        }
        guard !hasHole, next == end || piece.isFull else {
            return finish(job, .lost("the log does not hold what was after that offset any more"))
        }
        var rest = job
        rest.next = next
        deliver(piece.messages, of: rest)
    }

    private func deliver(_ messages: [StreamMessage], of job: Job) {
        let goesOn: @Sendable (Bool) -> Void = { isThere in
            guard isThere else { return }
            if job.next == job.replay.records.upperBound {
                self.finish(job, .complete)
            } else {
                self.add(job)
            }
        }
        job.deliver(messages, goesOn)
    }

    private func finish(_ job: Job, _ outcome: StreamReplay.Outcome) {
        inbox.offer(.stream(.caughtUp(job.replay, outcome)))
    }

    /// What is read at a time.
    private final class Piece {
        private let join: StreamJoin
        private(set) var messages: [StreamMessage] = []
        private var bytes = 0
        private var records = 0

        init(_ join: StreamJoin) { self.join = join }

        var isFull: Bool {
            messages.count >= StreamReplayer.messages || bytes >= StreamReplayer.messageBytes
                || records >= StreamReplayer.records
        }

        func take(_ record: RecordView) {
            records += 1
            guard
                (EventKind.streamSet.rawValue...EventKind.streamRelayed.rawValue)
                    .contains(record.kind), case .stream(let event)? = try? Event(record),
                join.wants(event)
            else { return }
            let message = StreamMessage(
                StreamEnvelope(event, at: record.offset, time: record.time)
            )
            bytes += message.json.count
            messages.append(message)
        }
    }
}
