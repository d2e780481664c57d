/// A call of a client to a store of a few keys, as the client saw it: when it began, when its
/// answer came, and what that said.
///
/// Every write has a value of its own, so that who reads it knows which write it was.
package struct ObservedCall: Sendable {
    /// A key and what it holds; nil: it is not there.
    package struct Binding: Hashable, Sendable {
        package let key: Int
        package let value: Int?

        package init(_ key: Int, _ value: Int?) {
            self.key = key
            self.value = value
        }
    }

    package enum Outcome: Sendable {
        /// The keys held this.
        case read([Binding])
        /// All conditions held, and all writes were made.
        case applied
        /// A condition did not hold, and nothing was written.
        case refused
        /// No answer came: it happened once, at any time from its beginning on, or never.
        case unknown
    }

    /// What the keys must hold for the writes to be made.
    package let conditions: [Binding]
    package let writes: [Binding]
    package let outcome: Outcome
    package let began: UInt64
    /// Not before that; without an answer, never.
    package let ended: UInt64
    /// Where a system that orders its writes itself says that it belongs: looked at first, and not
    /// believed.
    package let hint: UInt64

    package init(
        conditions: [Binding] = [],
        writes: [Binding] = [],
        _ outcome: Outcome,
        began: UInt64,
        ended: UInt64,
        hint: UInt64 = .max
    ) {
        self.conditions = conditions
        self.writes = writes
        self.outcome = outcome
        self.began = began
        if case .unknown = outcome { self.ended = .max } else { self.ended = ended }
        self.hint = hint
        precondition(began <= self.ended)
    }

    /// The same call where it is known better where it belongs.
    package func placed(at hint: UInt64) -> ObservedCall {
        ObservedCall(
            conditions: conditions,
            writes: writes,
            outcome,
            began: began,
            ended: ended,
            hint: hint
        )
    }

    /// What the keys hold after it, if it takes place now; nil: it cannot, having been answered as
    /// it was.
    func applied(to state: [Int?]) -> [Int?]? {
        let holds = conditions.allSatisfy { state[$0.key] == $0.value }
        switch outcome {
        case .read(let seen):
            return seen.allSatisfy { state[$0.key] == $0.value } ? state : nil
        case .refused: return holds ? nil : state
        case .applied:
            guard holds else { return nil }
        case .unknown:
            guard holds else { return state }
        }
        var state = state
        for write in writes { state[write.key] = write.value }
        return state
    }

    var isAnswered: Bool { if case .unknown = outcome { false } else { true } }
}
