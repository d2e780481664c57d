import Events
import JSON
import LogTools
import Primitives
import Testing

/// What a function calls that is run again, and what the log makes of it.
@Suite struct ReplayScriptTests {
    /// A run that asks for a price, puts a mail off, writes the state and a stream, and answers.
    private static func sale() -> Story {
        var story = Story()
        story.begin()
        story.add(.state(.set(write("1"))), at: -10, trace: nil)
        let run = story.request()
        let first = story.call("price", #"{"id":7}"#, at: 1, cause: run)
        story.complete(first, at: 2, .value(Story.json("3")), took: 1)
        let second = story.call("price", #"{"id":8}"#, at: 2, cause: run)
        story.complete(second, at: 3, .value(Story.json("4")), took: 1)
        _ = story.enqueue("default", "mail", at: 3, cause: run)
        story.add(.state(.set(write("2"))), at: 4, cause: run)
        let item = StreamSet(
            stream: "board",
            group: "g",
            item: "i",
            value: Story.json("true"),
            isNew: true,
            function: "stream::set"
        )
        story.add(.stream(.set(item)), at: 4, cause: run)
        story.complete(run, at: 5, .value(Story.json(answer)), took: 5)
        return story
    }

    private static let answer = #"{"status_code":200,"body":{"total":3}}"#

    private static func write(_ value: String) -> StateSet {
        StateSet(scope: "s", key: "k", value: Story.json(value), function: "state::set")
    }

    private static let trace = "0af7651916cd43dd8448eb211c80319c"

    private let log: StoredLog
    private let recording: Recording

    init() throws {
        let story = Self.sale()
        log = try StoredLog(story)
        recording = try Recording(story.history(), HistoryID(Self.trace))
    }

    private var script: ReplayScript { ReplayScript(recording, .directory(log.path)) }

    /// What a call is answered; of an error its code.
    private func ask(
        _ script: inout ReplayScript,
        _ function: String,
        _ data: String,
        queue: String? = nil
    ) throws -> String {
        let action = queue.map { #"{"type":"enqueue","queue":"\#($0)"}"# } ?? "null"
        let text =
            #"{"function_id":"\#(function)","namespace":"default","data":\#(data),"#
            + #""action":\#(action)}"#
        switch script.answer(try JSONText(validating: Array(text.utf8))) {
        case .value(let bytes): return String(decoding: bytes, as: UTF8.self)
        case .none: return "nothing"
        case .failure(let error): return error.code
        }
    }

    private func asBefore(_ script: inout ReplayScript) throws {
        #expect(try ask(&script, "price", #"{"id":7}"#) == "3")
        #expect(try ask(&script, "price", #"{"id":8}"#) == "4")
        let receipt = #"{"messageReceiptId":"\#(Story.receipt)"}"#
        #expect(try ask(&script, "mail", #"{"id":"abc123"}"#, queue: "default") == receipt)
        let set = #"{"scope":"s","key":"k","value":2}"#
        #expect(try ask(&script, "state::set", set) == #"{"old_value":1,"new_value":2}"#)
        let item = #"{"stream_name":"board","group_id":"g","item_id":"i","data":true}"#
        let told = try ask(&script, "stream::set", item)
        #expect(told.contains(#""new_value":true"#))
    }

    @Test("a recording has the function, what it was called with and what it answered")
    func recorded() throws {
        #expect(recording.function == FunctionName(id: "hello::api"))
        #expect(recording.input.description == #"{"path":"hello","method":"GET"}"#)
        #expect(recording.result == .value(Story.json(Self.answer)))
        #expect(recording.steps.count == 5)
    }

    @Test("a run that does the same differs in nothing")
    func same() throws {
        var script = script
        try asBefore(&script)
        let found = script.finish(.value(Story.json(Self.answer)))
        #expect(found.isEmpty)
    }

    @Test("equal functions are told apart by what they are called with, in any order")
    func order() throws {
        var script = script
        #expect(try ask(&script, "price", #"{"id":8}"#) == "4")
        #expect(try ask(&script, "price", #"{ "id": 7 }"#) == "3")
        #expect(try ask(&script, "price", #"{"id":7}"#) == "REPLAY_UNRECORDED")
    }

    @Test("the state is what it was when the run began, and what the run has written since")
    func state() throws {
        var script = script
        let place = #"{"scope":"s","key":"k"}"#
        #expect(try ask(&script, "state::get", place) == "1")
        #expect(try ask(&script, "state::get", #"{"scope":"s","key":"none"}"#) == "nothing")
        #expect(
            try ask(&script, "state::get", #"{"scope":"s","key":"k","with_revision":true}"#)
                == #"{"value":1,"revision":5}"#
        )
        try asBefore(&script)
        #expect(try ask(&script, "state::get", place) == "2")
        #expect(try ask(&script, "state::list", #"{"scope":"s"}"#) == "[2]")
        let item = #"{"stream_name":"board","group_id":"g","item_id":"i"}"#
        #expect(try ask(&script, "stream::get", item) == "true")
        let past = #"{"scope":"s","key":"k","at":5}"#
        #expect(try ask(&script, "state::get", past) == "1")
        let found = script.finish(.value(Story.json(Self.answer)))
        #expect(found.isEmpty)
    }

    @Test("names of keys and scopes are told apart by their bytes")
    func names() throws {
        let forms = ["\u{E9}", "e\u{301}"]
        var story = Story()
        for (value, name) in forms.enumerated() {
            for (scope, key) in [("s", name), (name, "k")] {
                let set = StateSet(
                    scope: scope,
                    key: key,
                    value: Story.json("\(value)"),
                    function: "state::set"
                )
                story.add(.state(.set(set)), at: -10, trace: nil)
            }
        }
        _ = story.request()
        let log = try StoredLog(story)
        let recording = try Recording(story.history(), HistoryID(Self.trace))
        var script = ReplayScript(recording, .directory(log.path))
        for (value, name) in forms.enumerated() {
            let place = #"{"scope":"s","key":"\#(name)"}"#
            #expect(try ask(&script, "state::get", place) == "\(value)")
            let scope = #"{"scope":"\#(name)"}"#
            #expect(try ask(&script, "state::list", scope) == "[\(value)]")
        }
        withExtendedLifetime(log) {}
    }

    @Test("what lies behind a hole is not told, neither of the state nor of streams")
    func damaged() throws {
        // The first batch of the first segment, which is behind its header.
        try log.change(segment: 0) { $0[4096 + 80] ^= 1 }
        var script = script
        let item = #"{"stream_name":"board","group_id":"g","item_id":"i"}"#
        #expect(try ask(&script, "stream::get", item) == "record_unreadable")
        #expect(try ask(&script, "state::list", #"{"scope":"s"}"#) == "record_unreadable")
    }

    @Test("what differs is named: other values, calls that are new, and calls that are missing")
    func differences() throws {
        var script = script
        #expect(try ask(&script, "price", #"{"id":9}"#) == "3")
        #expect(try ask(&script, "rate", "{}") == "REPLAY_UNRECORDED")
        for key in ["k", "l"] {
            _ = try ask(&script, "state::set", #"{"scope":"s","key":"\#(key)","value":3}"#)
        }
        let found = script.finish(
            .value(Story.json(#"{"status_code":201,"body":{"total":3,"more":[1]}}"#))
        )
        #expect(
            found.map(\.text) == [
                "call of price $.id: 7 -> 9", "call of rate: not in the log",
                "state s/k $: 2 -> 3", "state s/l: not in the log",
                "call of price: in the log only",
                "enqueue of mail to default: in the log only", "item board/g/i: in the log only",
                "result $.status_code: 200 -> 201", "result $.body.more: nothing -> [1]",
            ]
        )
        let changed = #""change":"changed","path":"$.id","recorded":7,"now":9}"#
        #expect(found[0].json == #"{"subject":"call of price","# + changed)
        #expect(found[1].json == #"{"subject":"call of rate","change":"unrecorded"}"#)
    }

    @Test("an error in place of a result differs, and so does another error")
    func errors() throws {
        let error = ErrorBody(code: "E", message: "it broke", stacktrace: "line 1")
        func results(_ script: ReplayScript, _ result: FunctionResult) -> [String] {
            script.finish(result).map(\.text).filter { $0.hasPrefix("result ") }
        }
        let shown = #"{"error":{"code":"E","message":"it broke"}}"#
        #expect(results(script, .failure(error)) == ["result $: \(Self.answer) -> \(shown)"])
        var story = Story()
        let run = story.call("f", "{}", at: 0, cause: nil)
        story.complete(run, at: 1, .failure(error), took: 1)
        let failed = ReplayScript(
            try Recording(story.history(), HistoryID(Self.trace)),
            .directory(log.path)
        )
        let other = ErrorBody(code: "E", message: "it broke", stacktrace: "line 2")
        #expect(results(failed, .failure(other)).isEmpty)
        let worse = ErrorBody(code: "E", message: "it broke again")
        #expect(
            results(failed, .failure(worse))
                == [#"result $.error.message: "it broke" -> "it broke again""#]
        )
    }

    @Test("the run that the id names is taken, a message's as well")
    func named() throws {
        let history = try Story.hello().history()
        #expect(try Recording(history, HistoryID(Self.trace)).function.id == "hello::api")
        let delivery = try Recording(history, HistoryID("@9"))
        #expect(delivery.function.id == "greet::process")
        #expect(delivery.input.description == #"{"id":"abc123"}"#)
        #expect(delivery.steps.count == 1)
        let invocation = UUID128(high: 0xdddd, low: 9)
        #expect(try Recording(history, HistoryID("\(invocation)")).run == Offset(9))
    }

    @Test("what never ran, and what nobody knows the input of, cannot be run again")
    func impossible() throws {
        func code(_ story: Story) throws -> ToolError.Code? {
            do {
                _ = try Recording(story.history(), HistoryID(Self.trace))
                return nil
            } catch let error as ToolError {
                return error.code
            }
        }
        var written = Story()
        written.set("k", 1, over: nil)
        #expect(try code(written) == .noRun)
        var bare = Story()
        let run = bare.invoke("f", by: Story.worker, at: 0, cause: nil)
        bare.complete(run, at: 1, .none, took: 1)
        #expect(try code(bare) == .noInput)
    }

    @Test(
        "two values differ where they do, by the names of members",
        arguments: [
            (#"{"a":1,"b":[1,2]}"#, #"{"b":[1,2],"a":1}"#, []),
            (#"{"a":{"b":[1,2]}}"#, #"{"a":{"b":[1,3,4]}}"#, ["$.a.b[1]", "$.a.b[2]"]),
            (#"{"a b":1}"#, "{}", [#"$["a b"]"#]),
            ("{}", #"{"2a":1}"#, [#"$["2a"]"#]),
            ("1", "1.0", ["$"]),
            ("[]", "{}", ["$"]),
            (#"{"token":"[redacted]"}"#, #"{"token":"secret"}"#, []),
        ] as [(String, String, [String])]
    )
    func places(before: String, now: String, paths: [String]) throws {
        let found = JSONDifference.between(
            try JSONText(validating: Array(before.utf8)),
            try JSONText(validating: Array(now.utf8))
        )
        #expect(found.map(\.path) == paths)
    }
}

extension Story {
    /// A call that a worker made.
    fileprivate mutating func call(
        _ function: String,
        _ input: String,
        at time: Double,
        cause: Offset?
    ) -> Offset {
        add(
            .invoked(
                Invoked(
                    invocation: UUID128(high: 0xcccc, low: UInt64(entries.count)),
                    function: FunctionName(id: function),
                    worker: Self.greeter,
                    caller: Self.worker,
                    awaited: true,
                    isCondition: false,
                    input: Self.json(input)
                )
            ),
            at: time,
            cause: cause
        )
    }
}
