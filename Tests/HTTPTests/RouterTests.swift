import JSON
import Primitives
import Testing

@testable import HTTP

func trigger(
    _ path: String,
    method: String = "GET",
    id: String? = nil
) throws -> HTTPTrigger {
    try HTTPTrigger(
        id: id ?? "\(method) \(path)",
        function: FunctionName(id: "f"),
        config: JSONValue.object(["api_path": .string(path), "http_method": .string(method)]).text,
        metadata: nil
    )
}

@Suite("Routes")
struct RouterTests {
    private func router(_ routes: String...) throws -> Router {
        var router = Router()
        for route in routes {
            let parts = route.split(separator: " ", omittingEmptySubsequences: false)
            try router.add(try trigger(String(parts[1]), method: String(parts[0]), id: route))
        }
        return router
    }

    private func show(_ match: Router.Match) -> String {
        switch match {
        case .found(let trigger, let parameters):
            ([trigger.id] + parameters.map { "\($0.name)=\($0.value)" }).joined(separator: " ")
        case .methodNotAllowed(let methods): "405 \(methods.joined(separator: ","))"
        case .notFound: "404"
        }
    }

    @Test(
        "a path finds its route",
        arguments: [
            ("/users", "GET /users"), ("/users/", "GET users/"), ("/", "GET /"), ("", "404"),
            ("//users", "404"), ("///users", "404"), ("//", "404"), ("*", "404"),
            ("/users/me", "GET /users/me"),
            ("/users/7", "GET /users/:id id=7"), ("/users/a%20b", "GET /users/:id id=a%20b"),
            ("/Users", "404"), ("/users//", "404"), ("/nobody", "404"),
            ("/users/me/posts", "GET /users/:id/posts id=me"),
            ("/users/me/posts/3", "GET users/:id/posts/{post} id=me post=3"),
            ("/users/7/posts/", "404"), ("/users/7/8", "404"),
        ]
    )
    func paths(path: String, expected: String) throws {
        let router = try router(
            "GET /users",
            "GET users/",
            "GET /",
            "GET /users/:id",
            "GET /users/me",
            "GET /users/:id/posts",
            "GET users/:id/posts/{post}"
        )
        #expect(show(router.match(method: "GET", path: path)) == expected)
    }

    @Test(
        "a known path with another method says which ones there are",
        arguments: [
            ("POST", "405 DELETE,GET,HEAD,PUT"), ("HEAD", "404"), ("GET", "GET /a"),
            ("get", "405 DELETE,GET,HEAD,PUT"),
        ]
    )
    func methods(method: String, expected: String) throws {
        let router = try router("GET /a", "PUT /a", "DELETE /a")
        #expect(show(router.match(method: method, path: "/a")) == expected)
    }

    @Test(
        "a literal segment hides nothing of a method that it has no route for",
        arguments: [
            ("GET", "GET items/new"), ("POST", "POST items/:id id=new"),
            ("PUT", "PUT :kind/{id} kind=items id=new"), ("HEAD", "404"),
            ("DELETE", "405 GET,HEAD,POST,PUT"),
        ]
    )
    func fallsThrough(method: String, expected: String) throws {
        let router = try router("GET items/new", "POST items/:id", "PUT :kind/{id}")
        #expect(show(router.match(method: method, path: "/items/new")) == expected)
        #expect(router.methods(of: "/items/new") == ["GET", "HEAD", "POST", "PUT"])
        #expect(router.methods(of: "/items/1") == ["POST", "PUT"])
        #expect(show(router.match(method: "POST", path: "/items/")) == "404")
    }

    @Test("HEAD has a route of its own, and is a method as any other where there is no GET")
    func head() throws {
        let router = try router("GET /a", "HEAD /a", "POST /b")
        #expect(show(router.match(method: "HEAD", path: "/a")) == "HEAD /a")
        #expect(show(router.match(method: "HEAD", path: "/b")) == "405 POST")
        #expect(router.methods(of: "/a") == ["GET", "HEAD"])
    }

    @Test("what is no path is no parameter either")
    func asterisk() throws {
        let router = try router("GET /:x", "OPTIONS /:x")
        #expect(show(router.match(method: "GET", path: "*")) == "404")
        #expect(router.methods(of: "*") == nil)
        #expect(router.methods(of: "/*") == ["GET", "HEAD", "OPTIONS"])
    }

    @Test("paths are compared byte by byte, not by Unicode equivalence")
    func bytes() throws {
        var router = Router()
        let paths = [("one", "/u/\u{E9}"), ("two", "/u/e\u{301}"), ("rest", "/r/:x")]
        for (id, path) in paths { try router.add(try trigger(path, id: id)) }
        for (id, path) in paths.dropLast() {
            #expect(show(router.match(method: "GET", path: path)) == id)
            let below = router.match(method: "GET", path: "/r/\(path.dropFirst(3))")
            guard case .found(_, let parameters) = below else {
                Issue.record("\(path) is no parameter")
                continue
            }
            #expect(parameters.map { Name($0.value) } == [Name(String(path.dropFirst(3)))])
        }
        // With the accent the slash is one character, and still a slash.
        #expect(show(router.match(method: "GET", path: "/r/\u{301}")) == "rest x=\u{301}")
        let other = try trigger("/r/:\u{E9}", id: "other")
        #expect(throws: ErrorBody.self) { try router.add(other) }
    }

    @Test("what leads to no route any more goes with it")
    func pruned() throws {
        var router = Router()
        try router.add(try trigger("/a/b/:c/d", id: "deep"))
        try router.add(try trigger("/a/b", id: "short"))
        #expect(router.size.nodes == 5)
        #expect(router.size.literals == 1)
        router.remove("deep")
        #expect(router.size.nodes == 3)
        try router.add(try trigger("/a/b", id: "short"))
        #expect(show(router.match(method: "GET", path: "/a/b")) == "short")
        for number in 0..<1000 { try router.add(try trigger("/\(number)/:x", id: "short")) }
        #expect(router.size.nodes == 3)
        #expect(router.size.literals == 0)
        router.remove("short")
        #expect(router.size.nodes == 1)
    }

    @Test("routes that come and go leave a router of those that stayed", arguments: UInt64(0)..<20)
    func coming(seed: UInt64) throws {
        var entropy = SeededEntropy(seed: seed)
        func pick(_ names: [String]) -> String { names[Int(entropy.next() % UInt64(names.count))] }
        var router = Router()
        var stayed: [String: HTTPTrigger] = [:]
        for _ in 0..<200 {
            let id = pick(["1", "2", "3", "4", "5", "6"])
            if entropy.next() % 3 == 0 {
                router.remove(id)
                stayed[id] = nil
            } else {
                let path = (0..<1 + entropy.next() % 3).map { _ in pick(["a", "b", ":p", ""]) }
                let method = pick(["GET", "POST"])
                let trigger = try trigger("/" + path.joined(separator: "/"), method: method, id: id)
                try router.add(trigger)
                stayed[id] = trigger
            }
        }
        var fresh = Router()
        for trigger in stayed.values { try fresh.add(trigger) }
        #expect(router.triggerCount == stayed.count)
        #expect(router.size.nodes == fresh.size.nodes, "seed \(seed)")
        #expect(router.size.literals == fresh.size.literals, "seed \(seed)")
        for first in ["a", "b", "c"] {
            for path in ["/\(first)", "/\(first)/a", "/\(first)/b/a", "/\(first)//", "/"] {
                let (found, expected) = (router.methods(of: path), fresh.methods(of: path))
                #expect(found == expected, "seed \(seed): \(path)")
            }
        }
    }

    @Test("the last registration of a route serves it, and the one before when it goes")
    func replaced() throws {
        var router = Router()
        try router.add(try trigger("/a", id: "one"))
        try router.add(try trigger("a", id: "two"))
        #expect(show(router.match(method: "GET", path: "/a")) == "two")
        router.remove("two")
        #expect(show(router.match(method: "GET", path: "/a")) == "one")
        router.remove("one")
        router.remove("unknown")
        #expect(show(router.match(method: "GET", path: "/a")) == "404")
        #expect(router.triggerCount == 0)
    }

    @Test("a route that moves leaves its old place")
    func moved() throws {
        var router = Router()
        try router.add(try trigger("/a", id: "one"))
        try router.add(try trigger("/b", id: "one"))
        #expect(show(router.match(method: "GET", path: "/a")) == "404")
        #expect(show(router.match(method: "GET", path: "/b")) == "one")
        try router.add(try trigger("/b/:x", id: "one"))
        try router.add(try trigger("/b/:y", id: "one"))
        #expect(show(router.match(method: "GET", path: "/b/1")) == "one y=1")
    }

    @Test("the same shape with other parameter names is refused and changes nothing")
    func conflict() throws {
        var router = try router("GET a/:x/:y")
        try router.add(try trigger("/b", id: "mine"))
        for id in ["new", "mine"] {
            let refused = try trigger("a/:y/:x", id: id)
            let error = #expect(throws: ErrorBody.self) { try router.add(refused) }
            #expect(error?.code == "trigger_registration_failed")
            #expect(error?.message.contains("conflicts with already-registered route") == true)
        }
        #expect(show(router.match(method: "GET", path: "/a/1/2")) == "GET a/:x/:y x=1 y=2")
        #expect(show(router.match(method: "GET", path: "/b")) == "mine")
    }

    @Test("each method keeps its own parameter names")
    func methodsDiffer() throws {
        let router = try router("GET a/:x", "POST a/:y")
        #expect(show(router.match(method: "GET", path: "/a/1")) == "GET a/:x x=1")
        #expect(show(router.match(method: "POST", path: "/a/1")) == "POST a/:y y=1")
    }

    @Test("a path that is too long, or too deep to be looked up, is no route")
    func deep() throws {
        var router = Router()
        func path(_ segments: Int) -> String { String(repeating: "/:a", count: segments) }
        try router.add(try trigger(path(256)))
        for long in [path(257), "/" + String(repeating: "a", count: 8192)] {
            let route = try trigger(long)
            let error = #expect(throws: ErrorBody.self) { try router.add(route) }
            #expect(error?.code == "trigger_registration_failed")
        }
        #expect(router.triggerCount == 1)
    }

    @Test(
        "a wildcard, and a parameter without a name, are refused with what to write instead",
        arguments: ["/a/*rest", "/:", "/a/{}/b"]
    )
    func nameless(path: String) {
        var router = Router()
        let error = #expect(throws: ErrorBody.self) { try router.add(try trigger(path)) }
        #expect(error?.code == "trigger_registration_failed")
        #expect(error?.message.contains("/:name") == true)
        #expect(router.size.nodes == 1)
    }

    @Test("random paths find what a list of patterns finds", arguments: UInt64(0)..<20)
    func model(seed: UInt64) throws {
        var entropy = SeededEntropy(seed: seed)
        func segment(_ names: [String]) -> String {
            names[Int(entropy.next() % UInt64(names.count))]
        }
        var router = Router()
        var patterns: [[String]] = []
        for _ in 0..<12 {
            let pattern = (0..<1 + entropy.next() % 3).map { _ in segment(["a", "b", ":p", ""]) }
            guard !patterns.contains(pattern), pattern.first != "" else { continue }
            try router.add(try trigger("/" + pattern.joined(separator: "/")))
            patterns.append(pattern)
        }
        for _ in 0..<200 {
            let path = (0..<1 + entropy.next() % 3).map { _ in segment(["a", "b", "c", ""]) }
            guard path.first != "" else { continue }
            let fitting = patterns.filter { pattern in
                pattern.count == path.count
                    && zip(pattern, path).allSatisfy { $0 == $1 || $0 == ":p" && !$1.isEmpty }
            }
            // Literal before parameter, from the left.
            let best = fitting.min { left, right in
                for (one, other) in zip(left, right) where one != other { return other == ":p" }
                return false
            }
            let expected = best.map { "GET /" + $0.joined(separator: "/") }
            let found = router.match(method: "GET", path: "/" + path.joined(separator: "/"))
            var name: String?
            if case .found(let trigger, _) = found { name = trigger.id }
            #expect(name == expected, "seed \(seed): \(path) in \(patterns)")
        }
    }
}

@Suite("HTTP trigger configurations")
struct HTTPTriggerTests {
    private func read(_ config: String) throws -> HTTPTrigger {
        try HTTPTrigger(
            id: "t",
            function: FunctionName(namespace: "shop", id: "f"),
            config: try JSONText(validating: Array(config.utf8)),
            metadata: nil
        )
    }

    @Test("both spellings are read, the method in any case")
    func spellings() throws {
        let trigger = try read(#"{"api_path":"/a","http_method":"post","extra":1}"#)
        #expect(trigger.path == "/a")
        #expect(trigger.method == "POST")
        let other = try read(#"{"path":"b/:id","method":"Delete"}"#)
        #expect(other.path == "b/:id")
        #expect(other.method == "DELETE")
        #expect(try read(#"{"api_path":""}"#).method == "GET")
    }

    @Test("the condition lives where the function lives")
    func condition() throws {
        let trigger = try read(#"{"api_path":"/a","condition_function_id":"c"}"#)
        #expect(trigger.condition == FunctionName(namespace: "shop", id: "c"))
        #expect(try read(#"{"api_path":"/a","condition_function_id":null}"#).condition == nil)
    }

    @Test(
        "a configuration that cannot be served is refused",
        arguments: [
            ("{}", "api_path"), (#"{"api_path":7}"#, "api_path"), ("[]", "http trigger"),
            (#"{"api_path":"/a","http_method":7}"#, "http_method"),
            (#"{"api_path":"/a","middleware_function_ids":"m"}"#, "middleware_function_ids"),
        ]
    )
    func refused(config: String, mentioned: String) {
        let error = #expect(throws: ErrorBody.self) { try read(config) }
        #expect(error?.code == "trigger_registration_failed")
        #expect(error?.message.contains(mentioned) == true, "\(error?.message ?? "")")
    }

    @Test("middleware keeps its order, without what is no name, and lives where the function lives")
    func middleware() throws {
        let trigger = try read(#"{"api_path":"/a","middleware_function_ids":["b",7,"a",null]}"#)
        #expect(
            trigger.middleware == [
                FunctionName(namespace: "shop", id: "b"), FunctionName(namespace: "shop", id: "a"),
            ]
        )
        #expect(try read(#"{"api_path":"/a","middleware_function_ids":[]}"#).middleware == [])
    }

    @Test(
        "what no request can be for, or a function cannot tell apart, is doubted",
        arguments: [
            ("/a b", "GET", "blanks"), ("/q?z", "GET", "question marks"), ("/a", "BREW", "BREW"),
            ("/\u{7F}", "GET", "control"), ("/d/:a/{a}", "GET", "the last"),
            ("opt/:id?", "GET", "\"id?\", all of it"), (#"re/:id(\d+)"#, "GET", #""id(\d+)""#),
            ("pre/:id.json", "GET", "whole segment"), ("/{a b}", "GET", "\"a b\""),
            ("/d/:user_id/{A-1}/:é", "GET", nil), ("/d/:a/:b", "GET", nil), ("/a%20b", "POST", nil),
            ("", "GET", nil),
        ] as [(String, String, String?)]
    )
    func doubts(path: String, method: String, mentioned: String?) throws {
        let doubt = try trigger(path, method: method).doubt
        #expect((doubt == nil) == (mentioned == nil), "\(doubt ?? "no doubt")")
        if let mentioned { #expect(doubt?.contains(mentioned) == true, "\(doubt ?? "no doubt")") }
    }

    @Test("a method that HTTP triggers do not have is registered and never routed")
    func otherMethod() throws {
        var router = Router()
        try router.add(read(#"{"api_path":"/a","http_method":"brew"}"#))
        #expect(router.match(method: "BREW", path: "/a") == .notFound)
        #expect(router.methods(of: "/a") == nil)
        try router.add(read(#"{"api_path":"/a","http_method":"get"}"#))
        #expect(router.match(method: "BREW", path: "/a") == .methodNotAllowed(["GET", "HEAD"]))
    }
}
