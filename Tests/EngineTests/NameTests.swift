import Primitives
import Testing

@testable import Engine

@Suite("Names of workers")
struct NameTests {
    private func describe(
        _ peer: Peer,
        _ name: String,
        _ version: String = "0.25.0",
        namespace: String? = nil
    ) -> Command {
        .call(
            peer.connection,
            Call(
                id: .text("r"),
                function: "engine::workers::register",
                payload: Call.describe(name, namespace, "python", version).payload
            )
        )
    }

    private let success = #"engine::workers::register = {"success":true}"#
    private let failure = #"engine::workers::register = {"success":false}"#

    @Test("a name has one live worker: another is refused, and told before it is cut off")
    func conflict() throws {
        let lab = try Lab { $0.duplicates = .reject }
        let first = try lab.join("mailer")
        let second = try lab.connect()
        try lab.settle(.serve(second, "f"))
        let asked = try lab.settle(describe(second, "mailer"))
        #expect(asked.lines == ["probe"])
        #expect(asked.lines(to: first) == ["probe"])
        let refused = try lab.settle(.answeredProbe(first.connection))
        #expect(
            refused.lines(to: second) == [
                "rejected WORKER_NAMESPACE_CONFLICT mailer", failure,
                "close 1008 its name is taken",
            ]
        )
        guard case .send(_, .rejected(let rejection)) = refused.first else { return }
        #expect(rejection.owner == first.worker)
        #expect(rejection.namespace == "default")
        #expect(lab.engine.registry.workers.count == 1)
        #expect(!lab.engine.registry.isServed(FunctionName(id: "f")), "what it had queued is gone")
        lab.pass(seconds: 10)
        #expect(try lab.settle().lines == [])
    }

    @Test("a holder that does not answer is taken for dead")
    func silent() throws {
        let lab = try Lab { $0.duplicates = .reject }
        let first = try lab.join("mailer", serving: "f")
        let second = try lab.connect()
        try lab.settle(.serve(second, "f"))
        try lab.settle(describe(second, "mailer"))
        lab.pass(seconds: 1.9)
        #expect(try lab.settle().lines == [])
        lab.pass(seconds: 0.2)
        let left = try lab.settle()
        #expect(left.lines(to: first) == ["close 1012 another worker has taken its name"])
        #expect(left.lines(to: second) == [success])
        #expect(
            lab.engine.registry.functions[FunctionName(id: "f")]?.owners.map(\.id)
                == [second.worker]
        )
    }

    @Test("a holder that leaves gives the name to the first that waits; the next asks again")
    func queue() throws {
        let lab = try Lab { $0.duplicates = .reject }
        let first = try lab.join("mailer")
        let second = try lab.connect()
        let third = try lab.connect()
        try lab.settle(describe(second, "mailer"))
        try lab.settle(describe(third, "mailer"))
        lab.pass(seconds: 1)
        let left = try lab.settle(.workerLeft(first.connection, reason: "gone"))
        #expect(left.lines(to: second) == [success, "probe"])
        #expect(left.lines(to: third) == [])
        #expect(
            try lab.settle(.answeredProbe(second.connection)).lines(to: third).first
                == "rejected WORKER_NAMESPACE_CONFLICT mailer"
        )
    }

    @Test("a claim on the next holder has its own time, not what is left of the first one's")
    func renewed() throws {
        let lab = try Lab { $0.duplicates = .reject }
        let first = try lab.join("mailer")
        let second = try lab.connect()
        let third = try lab.connect()
        try lab.settle(describe(second, "mailer"))
        try lab.settle(describe(third, "mailer"))
        lab.pass(seconds: 1.5)
        try lab.settle(.workerLeft(first.connection, reason: "gone"))
        lab.pass(seconds: 1)
        #expect(try lab.settle().lines == [], "the second has had one second")
        lab.pass(seconds: 1.1)
        #expect(
            try lab.settle().lines(to: second) == ["close 1012 another worker has taken its name"]
        )
    }

    @Test("while a name is in question, the namespace's grace does not let registrations in")
    func grace() throws {
        let lab = try Lab {
            $0.duplicates = .reject
            $0.namespaceGrace = 1_000_000_000
        }
        _ = try lab.join("mailer")
        let second = try lab.connect()
        try lab.settle(.serve(second, "f"))
        try lab.settle(describe(second, "mailer"))
        lab.pass(seconds: 1.5)
        try lab.settle()
        #expect(!lab.engine.registry.isServed(FunctionName(id: "f")))
    }

    @Test("names are free where workers share, across namespaces, and for those who do not know")
    func exemptions() throws {
        let shared = try Lab()
        _ = try shared.join("mailer")
        #expect(try shared.settle(describe(try shared.connect(), "mailer")).lines == [success])
        let lab = try Lab { $0.duplicates = .reject }
        _ = try lab.join("mailer", runtime: "python")
        let free: [(String, String, String?)] = [
            ("mailer", "0.22.9", nil), ("mailer", "0.25.0", "shop"), ("other", "0.25.0", nil),
            ("iii-cli:trigger", "0.25.0", nil), ("iii-cli:trigger", "0.25.0", nil),
        ]
        for (name, version, namespace) in free {
            let command = describe(try lab.connect(), name, version, namespace: namespace)
            #expect(try lab.settle(command).lines == [success], "\(name) \(version)")
        }
        let again = try lab.connect()
        #expect(try lab.settle(describe(again, "third")).lines == [success])
        #expect(try lab.settle(describe(again, "third")).lines == [success], "its own name")
    }

    @Test("a worker stays in the namespace that it named first")
    func firstNamespace() throws {
        let lab = try Lab()
        let worker = try lab.join("w", namespace: "a")
        try lab.settle(describe(worker, "w", namespace: "b"))
        try lab.settle(.serve(worker, "f"))
        #expect(lab.engine.registry.isServed(FunctionName(namespace: "a", id: "f")))
        #expect(lab.engine.takeNotices().contains { $0.text.contains("too late") })
    }
}
