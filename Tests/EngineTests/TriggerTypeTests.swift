import HTTP
import JSON
import Primitives
import Testing

@testable import Engine

@Suite("Trigger types that workers provide")
struct TriggerTypeTests {
    private let config = #"{"box":"in"}"#
    private let bound = #"bind t mail f {"box":"in"}"#

    @Test("a trigger goes to the provider of its type, with all that it says")
    func forwarded() throws {
        let lab = try Lab()
        let provider = try lab.join("p")
        let client = try lab.join("c", namespace: "shop")
        #expect(try lab.settle(.provide(provider, "mail")).lines == [])
        let left = try lab.settle(
            .trigger(client, "mail", config, to: "f", metadata: #"{"a":1}"#, namespace: "shop")
        )
        #expect(left.lines(to: provider) == [bound])
        #expect(left.count == 1, "no word to who asked for it")
        guard case .send(_, .bind(let binding)) = left.first else { return }
        #expect(binding.metadata?.description == #"{"a":1}"#)
        #expect(binding.namespace == "shop")
        #expect(binding.typeNamespace == nil)
        #expect(try lab.settle(.accept(provider, "t", "mail")).lines == [])
    }

    @Test("a trigger waits for its provider, and for the next one when that goes")
    func parked() throws {
        let lab = try Lab()
        let client = try lab.join("c")
        #expect(try lab.settle(.trigger(client, "mail", config, to: "f")).lines == [])
        #expect(lab.engine.registry.triggers["t"]?.isParked == true)
        let first = try lab.join("p")
        #expect(try lab.settle(.provide(first, "mail")).lines(to: first) == [bound])
        #expect(lab.engine.registry.triggers["t"]?.isParked == false)
        try lab.settle(.workerLeft(first.connection, reason: "gone"))
        #expect(lab.engine.registry.triggers["t"]?.isParked == true)
        let second = try lab.join("p")
        #expect(try lab.settle(.provide(second, "mail")).lines(to: second) == [bound])
    }

    @Test("that nobody provides a type is told after a moment, once, and what may have been meant")
    func unknown() throws {
        let lab = try Lab()
        let client = try lab.join("c")
        try lab.settle(.trigger(client, "htpp", "{}", to: "f"))
        try lab.settle(.trigger(client, "htpp", "{}", to: "g", id: "u"))
        try lab.settle(.trigger(client, "mail", config, to: "f", id: "m"))
        try lab.settle(.provide(try lab.join("p"), "mail"))
        lab.pass(seconds: 3)
        try lab.settle()
        let told = lab.engine.takeNotices().map(\.text).filter { $0.contains("nobody provides") }
        #expect(
            told == [
                "trigger t for f (and 1 more) waits: nobody provides the type \"htpp\"; "
                    + "did you mean \"http\"?"
            ]
        )
    }

    @Test("a type that is provided in another namespace is told to be there")
    func elsewhere() throws {
        let lab = try Lab()
        let client = try lab.join("c")
        try lab.settle(.trigger(client, "http", #"{"api_path":"/a"}"#, to: "f", at: "shop"))
        try lab.settle(.trigger(client, "mail", config, to: "f", id: "m"))
        try lab.settle(.provide(try lab.join("p", namespace: "post"), "mail"))
        lab.pass(seconds: 3)
        try lab.settle()
        let told = lab.engine.takeNotices().map(\.text).filter { $0.contains("nobody provides") }
        #expect(
            told == [
                "trigger t for f waits: nobody provides the type \"http\" in namespace shop; "
                    + "it is provided in default",
                "trigger m for f waits: nobody provides the type \"mail\"; it is provided in post",
            ]
        )
    }

    @Test("a provider that is replaced loses its triggers, and has them back when the other goes")
    func replicas() throws {
        let lab = try Lab()
        let client = try lab.join("c")
        let first = try lab.join("p")
        let second = try lab.join("p")
        try lab.settle(.provide(first, "mail"))
        try lab.settle(.trigger(client, "mail", config, to: "f"))
        let taken = try lab.settle(.provide(second, "mail"))
        #expect(taken.lines(to: first) == ["unbind t mail"])
        #expect(taken.lines(to: second) == [bound])
        let back = try lab.settle(.workerLeft(second.connection, reason: "gone"))
        #expect(back.lines(to: first) == [bound])
        let ended = try lab.settle(
            .register(first.connection, .removeTriggerType(id: "mail", namespace: nil))
        )
        #expect(ended.lines == [])
        #expect(lab.engine.registry.triggers["t"]?.isParked == true)
    }

    @Test("only the provider takes a type back")
    func foreignUnregistration() throws {
        let lab = try Lab()
        let provider = try lab.join("p")
        let other = try lab.join("o")
        try lab.settle(.provide(provider, "mail"))
        try lab.settle(.register(other.connection, .removeTriggerType(id: "mail", namespace: nil)))
        let left = try lab.settle(.trigger(other, "mail", config, to: "f"))
        #expect(left.lines(to: provider) == [bound])
    }

    @Test("what a provider refuses waits for it to come again; who asked is told")
    func rejection() throws {
        let lab = try Lab()
        let provider = try lab.join("p")
        let client = try lab.join("c")
        try lab.settle(.provide(provider, "mail"))
        try lab.settle(.trigger(client, "mail", config, to: "f"))
        #expect(try lab.settle(.refuse(client, "t", "mail")).lines == [], "only the provider may")
        #expect(try lab.settle(.refuse(provider, "t", "other")).lines == [], "another type")
        #expect(lab.engine.registry.triggers["t"]?.isParked == false)
        let refused = try lab.settle(.refuse(provider, "t", "mail", "no such box"))
        #expect(refused.lines(to: client) == ["trigger t: no such box"])
        #expect(lab.engine.registry.triggers["t"]?.isParked == true)
        #expect(try lab.settle(.provide(provider, "mail")).lines(to: provider) == [bound])
    }

    @Test("a silent provider is told once more, and one that has answered is not")
    func silence() throws {
        let lab = try Lab()
        let provider = try lab.join("p")
        let client = try lab.join("c")
        try lab.settle(.provide(provider, "mail"))
        try lab.settle(.trigger(client, "mail", config, to: "f"))
        try lab.settle(.trigger(client, "mail", config, to: "f", id: "u"))
        try lab.settle(.accept(provider, "u", "mail"))
        lab.pass(seconds: 4.9)
        #expect(try lab.settle().lines == [])
        lab.pass(seconds: 5.1)
        #expect(try lab.settle().lines(to: provider) == [bound])
        lab.pass(seconds: 60)
        #expect(try lab.settle().lines == [])
        #expect(lab.engine.timeUntilDue() == nil, "nothing keeps an idle engine awake")
    }

    @Test("who asked for a trigger leaves or takes it back: its provider is told")
    func ended() throws {
        let lab = try Lab()
        let provider = try lab.join("p")
        let client = try lab.join("c")
        let other = try lab.join("o")
        try lab.settle(.provide(provider, "mail"))
        try lab.settle(.trigger(client, "mail", config, to: "f"))
        try lab.settle(.trigger(client, "mail", config, to: "f", id: "u"))
        #expect(
            try lab.settle(.register(other.connection, .removeTrigger(id: "t"))).lines == [],
            "not by a stranger"
        )
        let removed = try lab.settle(.register(client.connection, .removeTrigger(id: "t")))
        #expect(removed.lines(to: provider) == ["unbind t mail"])
        let left = try lab.settle(.workerLeft(client.connection, reason: "gone"))
        #expect(left.lines(to: provider) == ["unbind u mail"])
        #expect(lab.engine.registry.triggers.isEmpty)
    }

    @Test("an id that is registered again is the new owner's; the old owner's end leaves it alone")
    func reconnect() throws {
        let lab = try Lab()
        let provider = try lab.join("p")
        let old = try lab.join("c")
        let new = try lab.join("c")
        try lab.settle(.provide(provider, "mail"))
        try lab.settle(.trigger(old, "mail", config, to: "f"))
        #expect(
            try lab.settle(.trigger(new, "mail", config, to: "f")).lines(to: provider) == [bound]
        )
        #expect(try lab.settle(.workerLeft(old.connection, reason: "gone")).lines == [])
        let end = try lab.settle(.workerLeft(new.connection, reason: "gone"))
        #expect(end.lines(to: provider) == ["unbind t mail"])
    }

    @Test("the nearest provider serves: the named namespace, else one's own, else the default one")
    func namespaces() throws {
        let lab = try Lab()
        let common = try lab.join("p")
        let client = try lab.join("c", namespace: "shop")
        let local = try lab.join("l", namespace: "shop")
        try lab.settle(.provide(common, "mail"))
        try lab.settle(.trigger(client, "mail", config, to: "f"))
        try lab.settle(.trigger(client, "mail", config, to: "f", id: "named", at: "default"))
        let moved = try lab.settle(.provide(local, "mail"))
        #expect(moved.lines(to: common) == ["unbind t mail"], "what had named nothing moves")
        #expect(moved.lines(to: local) == [bound])
        guard case .send(_, .bind(let binding)) = moved.last else { return }
        #expect(binding.typeNamespace == "shop")
        let back = try lab.settle(.workerLeft(local.connection, reason: "gone"))
        #expect(back.lines(to: common) == [bound])
        let blank = try lab.settle(.trigger(client, "mail", config, to: "f", id: "b", at: " "))
        #expect(blank.lines == ["trigger b: trigger_namespace must not be blank"])
        try lab.settle(.provide(common, "other", in: " "))
        #expect(lab.engine.registry.types.count == 1)
    }

    @Test("the engine's own types are not replaced, but for a namespace of its own")
    func ownTypes() throws {
        let lab = try Lab()
        let worker = try lab.join("w", namespace: "shop", serving: "f")
        #expect(try lab.settle(.provide(worker, "http", in: "default")).lines == [])
        let route = #"{"api_path":"/f"}"#
        try lab.settle(.trigger(worker, "http", route, to: "f", namespace: "shop"))
        #expect(try lab.settle(.get("/f")).dispatches.count == 1)
        let moved = try lab.settle(.provide(worker, "http"))
        #expect(moved.lines == [#"bind t http f {"api_path":"/f"}"#])
        #expect(try lab.settle(.get("/f", exchange: 2)).first?.reply?.status == 404)
        try lab.settle(.register(worker.connection, .removeTriggerType(id: "http", namespace: nil)))
        #expect(try lab.settle(.get("/f", exchange: 3)).dispatches.count == 1, "the engine again")
    }

    @Test("a type may come before its worker's namespace is known, and belongs to it")
    func buffered() throws {
        let lab = try Lab()
        let worker = try lab.connect()
        try lab.settle(.provide(worker, "mail"))
        try lab.settle(.trigger(worker, "mail", config, to: "f"))
        #expect(lab.engine.registry.types.isEmpty)
        let left = try lab.settle(
            .call(worker.connection, .describe("w", "shop", "node", "0.25.0"))
        )
        #expect(left.lines == [bound], "a worker may bind its own type")
        #expect(
            lab.engine.registry.types.keys.map(\.namespace) == ["shop"]
        )
    }
}

@Suite("The engine's own events")
struct OwnTriggerTests {
    @Test("workers that come, describe themselves and go")
    func workers() throws {
        let lab = try Lab()
        let watcher = try lab.join("w", serving: "f")
        let type = "engine::workers-available"
        try lab.settle(.trigger(watcher, type, "null", to: "f", metadata: #"{"m":1}"#))
        let other = try lab.join("o")
        try lab.settle(.workerLeft(other.connection, reason: "gone"))
        let events = ["worker_connected", "worker_metadata_updated", "worker_disconnected"]
        let dispatches = lab.left.dispatches
        #expect(
            dispatches.map { String(decoding: $0.payload, as: UTF8.self) }
                == events.map { #"{"event":"\#($0)","worker_id":"\#(other.worker)"}"# }
        )
        #expect(dispatches.first?.metadata?.description == #"{"m":1}"#)
        #expect(dispatches.first?.caller == nil)
        try lab.settle(.register(watcher.connection, .removeTrigger(id: "t")))
        _ = try lab.join("x")
        #expect(lab.left.dispatches.count == 3)
    }

    @Test("functions that come and go are told of once in five seconds")
    func functions() throws {
        let lab = try Lab()
        let watcher = try lab.join("w", serving: "f")
        #expect(lab.engine.timeUntilDue() != nil, "the grace of the namespace")
        lab.pass(seconds: 10)
        try lab.settle(.trigger(watcher, "engine::functions-available", "null", to: "f"))
        #expect(lab.engine.timeUntilDue() == nil, "nobody looks until something changes")
        try lab.settle(.serve(watcher, "g"))
        try lab.settle(.serve(watcher, "h"))
        lab.pass(seconds: 4.9)
        #expect(try lab.settle().lines == [])
        lab.pass(seconds: 0.2)
        let payload = try #require(try lab.settle().dispatches.first?.payload)
        let event = JSONText(trusted: payload)
        #expect(event.member("event")?.stringValue == "functions_changed")
        let ids = event.member("functions")?.elements?.compactMap {
            $0.member("function_id")?.stringValue
        }
        #expect(Set(["f", "g", "h", "state::set"]).isSubset(of: Set(ids ?? [])))
        try lab.settle(.serve(watcher, "i"))
        try lab.settle(.register(watcher.connection, .removeFunction(id: "i")))
        lab.pass(seconds: 6)
        #expect(try lab.settle().lines == [], "the set is what it was")
        #expect(lab.engine.timeUntilDue() == nil)
    }

    @Test(
        "that a setting is there by two names, and says two things, is told of",
        arguments: [
            ("http", #"{"api_path":"/a","path":"/b"}"#, "path has no effect beside api_path"),
            (
                "http", #"{"path":"/a","http_method":"GET","method":"PUT"}"#,
                "method has no effect beside http_method"
            ),
            (
                "cron", #"{"expression":"@daily","schedule":"@hourly"}"#,
                "schedule has no effect beside expression"
            ),
            ("http", #"{"api_path":"/a","path":"/a","method":"PUT"}"#, nil),
            ("cron", #"{"expression":null,"schedule":"@hourly"}"#, nil),
        ] as [(String, String, String?)]
    )
    func twice(type: String, config: String, expected: String?) throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.trigger(worker, type, config, to: "f"))
        let told = lab.engine.takeNotices().map(\.text).filter { $0.contains("no effect") }
        #expect(told == (expected.map { ["\(type) trigger t: \($0)"] } ?? []))
    }
}
