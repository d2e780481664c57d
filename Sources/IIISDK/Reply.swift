import Synchronization

/// The answer that a function registered for the event loop owes.
///
/// It may be given at once or later and from any thread. One that is dropped ungiven is a failure.
public final class Reply: Sendable {
    private let ticket: Ticket
    private let mailbox: Mailbox
    private let isGiven = Atomic(false)

    init(_ ticket: Ticket, _ mailbox: Mailbox) {
        self.ticket = ticket
        self.mailbox = mailbox
    }

    deinit {
        let message = "the function \(ticket.functionID) gave no answer"
        give(.failure(SDKError(code: .invocationFailed, message: message)))
    }

    /// Answers with a value, or with none. Of several answers the first counts.
    public func succeed(_ value: RawJSON? = nil) { give(.success(value)) }

    /// Answers with an error. Of several answers the first counts.
    public func fail(_ error: SDKError) { give(.failure(error)) }

    private func give(_ outcome: Result<RawJSON?, SDKError>) {
        guard !isGiven.exchange(true, ordering: .relaxed) else { return }
        let ticket = ticket
        mailbox.post { $0.finished(ticket, outcome) }
    }
}
