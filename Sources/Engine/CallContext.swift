import JSON
import Primitives

/// What an SDK that knows of observers says about a call: the handler that it is made from
/// (protocol 12.6).
package final class CallContext: Sendable {
    /// The handler's function and invocation.
    package let function: String?
    package let invocation: String?
    /// The same of whoever called that handler.
    package let parentFunction: String?
    package let parentInvocation: String?
    /// How many observers the chain of calls has gone through.
    package let depth: Int
    /// The observer that the call is made for.
    package let observer: String?

    package init(
        function: String? = nil,
        invocation: String? = nil,
        parentFunction: String? = nil,
        parentInvocation: String? = nil,
        depth: Int = 0,
        observer: String? = nil
    ) {
        self.function = function
        self.invocation = invocation
        self.parentFunction = parentFunction
        self.parentInvocation = parentInvocation
        self.depth = depth
        self.observer = observer
    }
}

/// Who called: a worker, and the handler that it called from if it was one. The engine says which
/// worker; a worker's word counts only for what it alone can know.
final class Caller {
    let worker: Worker
    let function: String?
    let invocation: String?
    let parent: Level?

    /// Who called the caller.
    struct Level {
        let worker: Worker?
        let function: String?
        let invocation: String?
    }

    init(_ worker: Worker, _ context: CallContext, from origin: Invocation?) {
        self.worker = worker
        function = origin?.run.function.id ?? context.function
        invocation = context.invocation
        if let origin {
            parent = origin.run.callingWorker.map {
                let caller = origin.run.caller(by: $0)
                return Level(worker: $0, function: caller.function, invocation: caller.invocation)
            }
        } else if context.parentFunction != nil || context.parentInvocation != nil {
            parent = Level(
                worker: nil,
                function: context.parentFunction,
                invocation: context.parentInvocation
            )
        } else {
            parent = nil
        }
    }

    /// A call from outside of any handler, as far as the SDK says.
    init(_ worker: Worker) {
        self.worker = worker
        function = nil
        invocation = nil
        parent = nil
    }

    /// As handlers and observers are told.
    var text: JSONText {
        var json = JSONBuilder()
        json.beginObject()
        json.caller(worker, function, invocation)
        if let parent {
            json.key("parent")
            json.beginObject()
            json.caller(parent.worker, parent.function, parent.invocation)
            json.endObject()
        }
        json.endObject()
        return json.finish()
    }
}

extension Run {
    fileprivate func caller(by worker: Worker) -> Caller { place ?? Caller(worker) }

    /// Who called, as handlers and observers are told; nil: the engine itself.
    var callerText: JSONText? { callingWorker.map { caller(by: $0).text } }
}

extension JSONBuilder {
    fileprivate mutating func caller(_ worker: Worker?, _ function: String?, _ invocation: String?)
    {
        let members = [
            ("worker_id", worker?.id.description), ("worker_name", worker?.name),
            ("function_id", function), ("invocation_id", invocation),
        ]
        for case (let name, let value?) in members {
            key(name)
            string(value)
        }
    }
}
