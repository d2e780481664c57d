import CommitLog
import Disk
import Events
import Primitives

// Workers that were asked and do not answer. A delivery goes back to its queue when its lease is
// over; anything else ends only where the configuration says when. Nothing is kept for each of
// them: the earliest end is known, and all that runs is looked at then.

extension Engine where Store: ~Copyable {
    /// How long a worker may take for a run, in nanoseconds; nil: as long as it likes.
    private func patience(for run: Run) -> UInt64? {
        switch run.purpose {
        case .deliver: options.deliveryLease
        case .condition(let subject), .middleware(let subject, _, _): patience(for: subject)
        case .answer, .nobody, .respond, .cron, .cronByHand, .react, .admit, .screen, .notify,
            .keepsStream, .joinsStream, .admitStream:
            options.invocationTimeout
        }
    }

    /// A worker was asked, now.
    mutating func expectAnswer(to run: Run) {
        guard let patience = patience(for: run) else { return }
        expectAnswer(by: Self.end(of: patience, since: now.monotonic))
    }

    private mutating func expectAnswer(by deadline: UInt64) {
        silenceDue = min(silenceDue ?? .max, deadline)
    }

    private static func end(of patience: UInt64, since start: UInt64) -> UInt64 {
        let (sum, isOver) = start.addingReportingOverflow(patience)
        return isOver ? .max : sum
    }

    /// When the next worker will have been silent for too long; nil: nobody is waited for.
    var nextSilence: UInt64? { runningCount > 0 ? silenceDue : nil }

    /// Ends what has waited for its worker for too long, the oldest first.
    mutating func endSilence() throws(LogError) {
        guard let due = nextSilence, due <= now.monotonic else { return }
        silenceDue = nil
        var silent: [(worker: Worker, invocation: Invocation)] = []
        for worker in registry.workers.values {
            for invocation in worker.serving.values {
                guard let patience = patience(for: invocation.run) else { continue }
                let deadline = Self.end(of: patience, since: invocation.started)
                if deadline <= now.monotonic {
                    silent.append((worker, invocation))
                } else {
                    expectAnswer(by: deadline)
                }
            }
        }
        silent.sort { $0.invocation.record < $1.invocation.record }
        for (worker, invocation) in silent where worker.end(invocation.id) != nil {
            try end(invocation, of: worker)
        }
        try pumpCrowded()
    }

    private mutating func end(_ invocation: Invocation, of worker: Worker) throws(LogError) {
        let run = invocation.run
        let time = "\((patience(for: run) ?? 0) / 1_000_000) ms"
        switch run.purpose {
        case .deliver:
            notice(
                .warning,
                "worker \(worker.name ?? worker.id.description) was silent about a message for "
                    + "\(run.function) for \(time); it is delivered again"
            )
        case .respond(let exchange): try expire(exchange)
        case .middleware(_, let exchange, let number):
            try expireMiddleware(exchange, number: number)
        // Not refused: it may be let in yet.
        case .admit(let id): expire(id)
        default: break
        }
        let isLease = if case .deliver = run.purpose { true } else { false }
        let silence = ErrorBody(
            code: isLease ? "lease_expired" : "invocation_timeout",
            message: "\(run.function) did not answer within \(time)"
        )
        try finish(invocation, .failure(silence))
    }
}
