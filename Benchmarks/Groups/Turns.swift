/// Connections that ask one thing after the other, each different: the next when the one before is
/// answered.
final class Turns {
    /// One connection's side of it.
    struct Conversation {
        let link: Link
        /// Puts the next request behind what is to be sent.
        let ask: () -> Void
        /// Looks at the beginning of what arrived; nil while nothing there is whole.
        let take: Dialogue.Take
    }

    private let reactor: Reactor
    private let plan: Plan
    private var meter: Meter
    private var conversations: [Conversation] = []
    /// When each asked.
    private var starts: [UInt64]

    /// - Parameters:
    ///   - count: of connections.
    ///   - reactor: drives them.
    ///   - plan: how long.
    ///   - open: makes the connection of that number, ready to ask.
    /// - Throws: what `open` throws.
    init(
        _ count: Int,
        on reactor: Reactor,
        _ plan: Plan,
        _ open: (Int) throws(Failure) -> Conversation
    ) throws(Failure) {
        self.reactor = reactor
        self.plan = plan
        meter = Meter(plan)
        starts = [UInt64](repeating: 0, count: count)
        for index in 0..<count {
            let conversation = try open(index)
            conversations.append(conversation)
            conversation.link.receive = { [unowned self] (_, now) throws(Failure) in
                try take(index, now)
            }
        }
    }

    func run() throws(Failure) -> Meter {
        meter = Meter(plan)
        for index in conversations.indices { ask(index, Monotonic.now()) }
        try reactor.run(within: plan.warmUp + plan.seconds + 5, what: "answer") {
            meter.isOver(at: $0)
        }
        guard meter.perSecond != nil else { throw Failure("nothing was answered") }
        return meter
    }

    private func ask(_ index: Int, _ now: UInt64) {
        starts[index] = now
        conversations[index].ask()
    }

    private func take(_ index: Int, _ now: UInt64) throws(Failure) {
        let conversation = conversations[index]
        while let answer = try conversation.take(conversation.link.input.bytes) {
            conversation.link.input.take(answer.extent)
            guard answer.requests > 0 else { continue }
            meter.complete(start: starts[index], now: now)
            ask(index, now)
        }
    }
}
