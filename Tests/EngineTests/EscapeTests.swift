import AccessControl
import Events
import Folding
import JSON
import Primitives
import Queue
import Testing

@testable import Engine

/// Ways around the rules of a listener that a builtin, a queue or a name would open.
@Suite("Ways around the rules")
struct EscapeTests {
    private func text(_ json: String) -> JSONText { JSONText(trusted: Array(json.utf8)) }

    /// A lab with a restricted worker that may call everything that is named `engine::…`.
    private func lab() throws -> (Lab, ConnectionID) {
        let rules = AccessRules(
            rbac: RoleRules(
                authentication: "auth",
                exposed: [ExposeRule(.id(Wildcard("engine::*")))]
            )
        )
        let lab = try Lab { $0.listeners = [AccessRules(), rules] }
        let guest = ConnectionID(loop: 0, number: 77)
        let access = Access(rules, try Grants(text("{}")))
        try lab.settle(.workerJoined(guest, address: "10.0.0.9", access: access))
        try lab.settle(.call(guest, call("engine::workers::register", #"{"name":"guest"}"#)))
        return (lab, guest)
    }

    private func call(
        _ function: String,
        _ payload: String,
        action: Call.Action = .await
    ) -> Call {
        Call(
            id: .uuid(UUID128(high: 1, low: 2)),
            function: function,
            namespace: nil,
            payload: Array(payload.utf8),
            metadata: nil,
            action: action,
            propagation: Propagation()
        )
    }

    @Test(
        "what names another function is not put off to a queue",
        arguments: [
            "engine::queue::enqueue", "engine::register_trigger", "engine::unregister_trigger",
            "engine::replay",
        ]
    )
    func deferredBuiltins(id: String) throws {
        let (lab, guest) = try lab()
        let inner = #"{"function_id":"secret::fn","queue":"default","data":{}}"#
        let queued = try lab.settle(
            .call(guest, call(id, inner, action: .enqueue(queue: "default")))
        )
        #expect(queued.lines.contains { $0.contains("FORBIDDEN") })
        let nested = #"{"function_id":"\#(id)","queue":"default","data":\#(inner)}"#
        let again = try lab.settle(.call(guest, call("engine::queue::enqueue", nested)))
        #expect(again.lines.contains { $0.contains("FORBIDDEN") })
        #expect(lab.engine.views.work.queue.queues["default"]?.depth == 0)
    }

    @Test("a restricted worker does not become the function that lets workers in")
    func authFunction() throws {
        let (lab, guest) = try lab()
        let effects = try lab.settle(
            .register(guest, .function(id: "auth", definition: .emptyObject))
        )
        #expect(effects.lines.contains { $0.contains("FUNCTION_NAMESPACE_CONFLICT") })
        #expect(!lab.engine.registry.isServed(FunctionName(id: "auth")))
    }

    @Test("a name that no record can hold is ignored, and the engine goes on")
    func longNames() throws {
        let lab = try Lab()
        let worker = ConnectionID(loop: 0, number: 5)
        try lab.settle(.workerJoined(worker, address: "127.0.0.1"))
        let long = String(repeating: "n", count: 17 << 20)
        let request = TriggerRequest(
            id: "t",
            type: "http",
            function: "f",
            config: .emptyObject,
            metadata: nil,
            namespace: long
        )
        try lab.settle(.register(worker, .trigger(request)))
        try lab.settle(.call(worker, call("engine::workers::register", "{}")))
        #expect(lab.engine.registry.triggers.isEmpty)
    }
}
