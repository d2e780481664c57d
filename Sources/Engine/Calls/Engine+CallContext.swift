import CommitLog
import Disk
import Primitives

// Where calls are made: who is told of it, and how far a chain of observers has come.

extension Engine where Store: ~Copyable {
    /// Notes who called and through how many observers.
    func setContext(of run: Run, _ call: Call, _ worker: Worker, _ origin: Origin) {
        run.callingWorker = worker
        run.depth = origin.depth
        run.chain = origin.chain
        guard let context = call.context else { return }
        run.depth = depth(of: call, worker, origin)
        run.chain = run.chain ?? handler(of: context, worker)?.run.chain
        if context.invocation != nil || context.function != nil {
            run.place = Caller(worker, context, from: handler(of: context, worker))
        }
    }

    /// Through how many observers a call has come. The engine's own knowledge counts where it has
    /// some: an SDK that knows nothing of observers must not make a loop endless.
    func depth(of call: Call, _ worker: Worker, _ origin: Origin) -> Int {
        guard let context = call.context else { return origin.depth }
        let handler = handler(of: context, worker)
        return max(origin.depth, context.depth, handler?.run.depth ?? 0)
    }

    /// The invocation that a worker says it calls from, if it runs that.
    func handler(of context: CallContext, _ worker: Worker) -> Invocation? {
        context.invocation.flatMap { UUID128($0) }.flatMap { worker.serving[$0] }
    }

    /// What a worker that knows of observers is told beside a call; nil: nothing.
    func observation(of run: Run) -> Effect.Observation? {
        let caller = run.callingHandler
        guard caller != nil || run.depth > 0 || run.activation != nil else { return nil }
        return Effect.Observation(
            caller: caller,
            depth: run.depth,
            activation: run.activation.map { ($0.observer.id, $0.id) }
        )
    }
}
