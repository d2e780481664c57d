import Primitives

/// What of its worker's work a call comes from, as far as anybody can tell.
struct CallSource {
    /// The invocation that it comes from; nil: none, or nothing tells which.
    let invocation: Invocation?
    /// Of the work that it may come from; nil: of none.
    let trace: TraceID?
    /// How many observers that work has gone through, at the most.
    let depth: Int
    /// The event behind those.
    let chain: ActivationChain?

    /// From the handler that the worker names. In a trace that this one began itself nothing is
    /// below its own record.
    init(_ handler: Invocation, in trace: TraceID?) {
        let isOfItsTrace = trace == nil || trace == handler.trace
        invocation = isOfItsTrace ? handler : nil
        self.trace = handler.trace
        depth = handler.run.depth
        chain = handler.run.chain
    }

    /// From one of those that are `running` of one trace, in the order in which they began.
    init(among running: [Invocation], _ baggage: String?) {
        invocation = Self.caller(among: running, baggage)
        trace = running.last?.trace
        depth = invocation?.run.depth ?? running.map(\.run.depth).max() ?? 0
        chain = (invocation ?? running.last)?.run.chain
    }

    /// From nothing that its worker still runs.
    init() { self.init(among: [], nil) }

    /// Of several it is the one whose function the caller's baggage names, and that does not wait
    /// for the result of another.
    private static func caller(among running: [Invocation], _ baggage: String?) -> Invocation? {
        guard running.count > 1 else { return running.first }
        // There may be more of them.
        guard running.count < Worker.siblings else { return nil }
        var candidates = running
        if let function = Baggage.function(in: baggage) {
            let named = running.filter { $0.run.function.id == function }
            if !named.isEmpty { candidates = named }
        }
        if candidates.count > 1 {
            let awaited = Set(running.compactMap { $0.run.isAwaited ? $0.run.cause : nil })
            candidates.removeAll { awaited.contains($0.record) }
        }
        return candidates.count == 1 ? candidates.first : nil
    }
}
