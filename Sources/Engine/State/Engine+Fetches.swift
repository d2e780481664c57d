import CommitLog
import Disk
import Folding
import HTTPFunctions
import JSON
import Primitives

/// A run that takes place elsewhere, by an HTTP request of an edge.
struct Fetching {
    let invocation: Invocation
    /// Who registered the function: with its connection the run is over (protocol 1.9).
    let owner: ConnectionID
}

/// What becomes of a registration: a function of the worker's own, or one that is invoked by HTTP.
enum Reach {
    case worker
    case outside(Endpoint)

    var target: Endpoint? {
        if case .outside(let endpoint) = self { endpoint } else { nil }
    }
}

extension Engine where Store: ~Copyable {
    /// - Returns: nil, and a notice, where the function may not be invoked like this: the worker is
    ///   not told (protocol 8).
    mutating func endpoint(
        of name: FunctionName,
        _ invocation: JSONText?,
        _ worker: Worker
    ) -> Reach? {
        guard let invocation, !invocation.isNull else { return .worker }
        do throws(ErrorBody) {
            let policy = options.outbound(forListener: worker.listener)
            return .outside(try Endpoint(invocation, policy))
        } catch {
            notice(
                .warning,
                "function \"\(name)\" of worker \(worker.name ?? worker.id.description) was not "
                    + "registered: \(error.code): \(error.message)"
            )
            return nil
        }
    }

    /// Runs a function elsewhere. The request names the id that its record has.
    mutating func fetch(
        _ run: Run,
        _ endpoint: Endpoint,
        _ worker: Worker
    ) throws(LogError) {
        // A delivery's id is recorded already; a caller's own may be in use by another caller.
        let id = run.record.flatMap { _ in run.invocation } ?? UUID128(from: &random)
        run.invocation = id
        let record: Offset
        if let own = run.record {
            record = own
        } else {
            record = try recordInvoked(run, id, worker)
        }
        fetches[id] = Fetching(
            invocation: Invocation(id: id, run: run, record: record, started: now.monotonic),
            owner: worker.connection
        )
        runningCount += 1
        let fetch = Effect.Fetch(
            owner: worker.connection,
            endpoint: endpoint,
            dispatch: message(for: run, id, record, at: worker)
        )
        gate.hold(.fetch(fetch), after: run.after ?? record)
    }

    /// An edge is done with a request. What is over already, with its owner, is over.
    mutating func fetched(_ id: UUID128, _ result: FunctionResult) throws(LogError) {
        guard let fetching = fetches.removeValue(forKey: id) else { return }
        try finish(fetching.invocation, result)
    }

    /// What runs elsewhere for a worker that is gone is over, in the order in which it began.
    mutating func interruptFetches(of worker: Worker) throws(LogError) {
        guard !fetches.isEmpty else { return }
        let ended = fetches.values.filter { $0.owner == worker.connection }
            .map(\.invocation).sorted { $0.record < $1.record }
        for invocation in ended { fetches[invocation.id] = nil }
        for invocation in ended { try interrupt(invocation) }
    }
}
