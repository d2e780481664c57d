package import JSON
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
/// worker; a worker's word counts only for what it alone can know. Put into words by whoever needs
/// them: for a handler, the edge does.
package final class Caller: Sendable {
    /// One of two levels: who called, and who called that one's handler.
    private struct Level {
        let worker: UUID128?
        let name: String?
        let function: String?
        let invocation: String?
    }

    private let own: Level
    private let parent: Level?

    init(_ worker: Worker, _ context: CallContext, from origin: Invocation?) {
        own = Level(
            worker: worker.id,
            name: worker.name,
            function: origin?.run.function.id ?? context.function,
            invocation: context.invocation
        )
        if let origin {
            parent = origin.run.callingHandler?.own
        } else if context.parentFunction != nil || context.parentInvocation != nil {
            parent = Level(
                worker: nil,
                name: nil,
                function: context.parentFunction,
                invocation: context.parentInvocation
            )
        } else {
            parent = nil
        }
    }

    /// A call from outside of any handler, as far as the SDK says.
    init(_ worker: Worker) {
        own = Level(worker: worker.id, name: worker.name, function: nil, invocation: nil)
        parent = nil
    }

    /// As handlers and observers are told.
    package var text: JSONText {
        var json = JSONBuilder()
        json.beginObject()
        Self.add(own, to: &json)
        if let parent {
            json.key("parent")
            json.beginObject()
            Self.add(parent, to: &json)
            json.endObject()
        }
        json.endObject()
        return json.finish()
    }

    private static func add(_ level: Level, to json: inout JSONBuilder) {
        let members = [
            ("worker_id", level.worker?.description), ("worker_name", level.name),
            ("function_id", level.function), ("invocation_id", level.invocation),
        ]
        for case (let name, let value?) in members {
            json.key(name)
            json.string(value)
        }
    }
}

extension Run {
    /// Who called, as handlers and observers are told; nil: the engine itself.
    var callingHandler: Caller? { callingWorker.map { place ?? Caller($0) } }
}
