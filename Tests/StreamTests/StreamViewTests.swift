import Events
import JSON
import Primitives
import RecordFormat
import State
import Testing

@testable import Stream

/// The items of streams: what calls decide, and what is folded of it.
@Suite("Stream view")
struct StreamViewTests {
    private var view = StreamView()
    private var offset = Offset(10)

    private mutating func run(
        _ function: StreamFunction,
        _ input: String
    ) throws(ErrorBody) -> String {
        let call = try StreamCall(function, input: JSONText(trusted: Array(input.utf8)))
        let decision = try view.decide(call) { (_) throws(ErrorBody) in
            throw ErrorBody(code: "unexpected", message: "all is in memory")
        }
        if let event = decision.event {
            view.apply(event, at: offset)
            offset = offset.advanced(by: 1)
        }
        guard case .ready(let result) = decision.reply else { return "later" }
        switch result {
        case .value(let bytes): return String(decoding: bytes, as: UTF8.self)
        case .none: return "nothing"
        case .failure(let error): throw error
        }
    }

    private func item(_ group: String, _ item: String, _ rest: String = "") -> String {
        #"{"stream_name":"board","group_id":"\#(group)","item_id":"\#(item)"\#(rest)}"#
    }

    @Test("items are set, read, updated, listed and deleted")
    mutating func items() throws {
        #expect(
            try run(.set, item("g", "a", #","data": {"n": 1}"#))
                == #"{"old_value":null,"new_value":{"n":1}}"#
        )
        #expect(try run(.get, item("g", "a")) == #"{"n":1}"#)
        #expect(try run(.get, item("g", "b")) == "nothing")
        #expect(
            try run(.update, item("g", "a", #","ops":[{"type":"increment","path":"n","by":2}]"#))
                == #"{"old_value":{"n":1},"new_value":{"n":3}}"#
        )
        #expect(
            try run(.set, item("g", "b", #","data":null"#))
                == #"{"old_value":null,"new_value":null}"#
        )
        let group = #"{"stream_name":"board","group_id":"g"}"#
        #expect(try run(.list, group) == #"[{"n":3},null]"#)
        #expect(try run(.list, #"{"stream_name":"board","group_id":"h"}"#) == "[]")
        #expect(
            try run(.entries, group)
                == #"{"entries":[{"key":"a","value":{"n":3},"revision":11},"#
                + #"{"key":"b","value":null,"revision":12}],"cursor":null}"#
        )
        #expect(try run(.delete, item("g", "a")) == #"{"old_value":{"n":3}}"#)
        #expect(try run(.delete, item("g", "a")) == #"{"old_value":null}"#)
        #expect(try run(.list, group) == "[null]")
    }

    @Test("a list that no message holds is refused before all of it has been read")
    mutating func largeList() throws {
        view = StreamView(cacheBytes: 0)
        for number in 0..<20 { _ = try run(.set, item("g", "\(number)", #","data":1"#)) }
        let large = [UInt8](repeating: 0x31, count: Limits.messageBytes / 8)
        let group = #"{"stream_name":"board","group_id":"g"}"#
        var reads = 0
        var code: String?
        do throws(ErrorBody) {
            let call = try StreamCall(.list, input: JSONText(trusted: Array(group.utf8)))
            _ = try view.decide(call) { (_) throws(ErrorBody) in
                reads += 1
                return large
            }
        } catch {
            code = error.code
        }
        #expect(code == "payload_too_large")
        #expect(reads == 8)
    }

    @Test("a group is paged by its items' ids")
    mutating func pages() throws {
        for id in ["c", "a", "ab", "b"] { _ = try run(.set, item("g", id, #","data":1"#)) }
        func page(_ rest: String) -> String {
            #"{"stream_name":"board","group_id":"g"\#(rest)}"#
        }
        let first = try run(.entries, page(#","limit":2"#))
        #expect(first.contains(#""key":"a""#) && first.contains(#""key":"ab""#))
        #expect(first.hasSuffix(#""cursor":"ab"}"#))
        let rest = try run(.entries, page(#","limit":2,"cursor":"ab""#))
        #expect(rest.contains(#""key":"b""#) && rest.contains(#""key":"c""#))
        #expect(rest.hasSuffix(#""cursor":null}"#))
        #expect(!(try run(.entries, page(#","prefix":"a""#))).contains(#""key":"b""#))
        for wrong in [#","limit":0"#, #","limit":1001"#, #","limit":"x""#, #","cursor":1"#] {
            var view = self
            let error = #expect(throws: ErrorBody.self) { try view.run(.entries, page(wrong)) }
            #expect(error?.code == "deserialization_error")
            #expect(error?.message.contains("stream::entries") == true)
        }
    }

    @Test("groups and streams are there while they have an item, whatever their names")
    mutating func groups() throws {
        #expect(try run(.listAll, "{}") == #"{"stream":[],"count":0}"#)
        for (stream, group) in [("b:1", "x"), ("b", "1:x"), ("b:1", "a"), ("a", "")] {
            _ = try run(
                .set,
                #"{"stream_name":"\#(stream)","group_id":"\#(group)","item_id":"i","data":1}"#
            )
        }
        #expect(
            try run(.listAll, "null")
                == #"{"stream":[{"id":"a","groups":[""]},{"id":"b","groups":["1:x"]},"#
                + #"{"id":"b:1","groups":["a","x"]}],"count":3}"#
        )
        #expect(try run(.listGroups, #"{"stream_name":"b:1"}"#) == #"["a","x"]"#)
        #expect(try run(.listGroups, #"{"stream_name":"c"}"#) == "[]")
        _ = try run(.delete, #"{"stream_name":"b:1","group_id":"x","item_id":"i"}"#)
        _ = try run(.delete, #"{"stream_name":"a","group_id":"","item_id":"i"}"#)
        #expect(
            try run(.listAll, "{}")
                == #"{"stream":[{"id":"b","groups":["1:x"]},{"id":"b:1","groups":["a"]}],"#
                + #""count":2}"#
        )
    }

    @Test("what is set or sent is not nested deeper than what tells of it has room for")
    mutating func tooDeep() throws {
        for (levels, isTaken) in [(124, true), (125, false)] {
            let open = String(repeating: "[", count: levels)
            let data = #","data":\#(open)"# + String(repeating: "]", count: levels)
            let send = #"{"stream_name":"s","group_id":"g","type":"t"\#(data)}"#
            for (function, input) in [(StreamFunction.set, item("g", "a", data)), (.send, send)] {
                var view = self
                let answer = try? view.run(function, input)
                #expect((answer != nil) == isTaken, "\(function.rawValue), \(levels)")
            }
        }
    }

    @Test("what is sent changes no item")
    mutating func sent() throws {
        let input = #"{"stream_name":"s","group_id":"g","type":"ping","data":{"a":1}}"#
        #expect(try run(.send, input) == "null")
        #expect(view.itemCount == 0)
        #expect(view.digest() == StreamView().digest())
    }

    @Test(
        "what is missing or wrong is told with the function and the field",
        arguments: [
            (StreamFunction.set, #"{"stream_name":"s","group_id":"g","item_id":"i"}"#, "data"),
            (.set, #"{"stream_name":"s","group_id":1,"item_id":"i","data":1}"#, "group_id"),
            (.send, #"{"stream_name":"s","group_id":"g","data":1}"#, "type"),
            (.list, #"{"stream_name":"s"}"#, "group_id"),
            (.update, #"{"stream_name":"s","group_id":"g","item_id":"i","ops":[{}]}"#, "type"),
            (.get, "[]", "object"),
        ]
    )
    mutating func wrong(function: StreamFunction, input: String, field: String) throws {
        do throws(ErrorBody) {
            let answer = try run(function, input)
            Issue.record("answered \(answer)")
        } catch {
            #expect(error.code == "deserialization_error")
            #expect(error.message.contains(function.rawValue))
            #expect(error.message.contains(field))
        }
        var long = self
        let name = String(repeating: "x", count: Limits.nameBytes + 1)
        let expected = #expect(throws: ErrorBody.self) {
            try long.run(.get, #"{"stream_name":"s","group_id":"g","item_id":"\#(name)"}"#)
        }
        #expect(expected?.code == "STREAM_GET_ERROR")
    }

    @Test("a snapshot gives the same items and groups back")
    mutating func snapshot() throws {
        for index in 0..<50 {
            _ = try run(.set, item("g\(index % 7)", "i\(index)", #","data":\#(index)"#))
        }
        _ = try run(.delete, item("g3", "i3"))
        final class Body { var bytes: [UInt8] = [] }
        let body = Body()
        var writer = SnapshotWriter {
            body.bytes += $0
            return true
        }
        view.encode(into: &writer)
        _ = writer.finish()
        let bytes = body.bytes
        var reader = SnapshotReader(0..<bytes.count) { position, memory in
            memory.copyBytes(from: bytes[position..<position + memory.count])
            return true
        }
        var decoded = StreamView(cacheBytes: 0)
        try decoded.decode(from: &reader)
        #expect(decoded.digest() == view.digest())
        #expect(decoded.itemCount == 49)
        #expect(decoded.groupNames(of: "board") == view.groupNames(of: "board"))
        #expect(decoded.streamNames == ["board"])
    }

    @Test("a trigger fires for its stream, group and item only")
    func triggers() throws {
        var triggers = StreamTriggers()
        func trigger(_ id: String, _ config: String) throws(ErrorBody) -> StreamTrigger {
            try StreamTrigger(
                id: id,
                function: FunctionName(id: "f"),
                config: JSONText(trusted: Array(config.utf8))
            )
        }
        triggers.add(try trigger("all", #"{"stream_name":"s","group_id":"","item_id":null}"#))
        triggers.add(try trigger("group", #"{"stream_name":"s","group_id":"g"}"#))
        triggers.add(try trigger("item", #"{"stream_name":"s","item_id":"i"}"#))
        triggers.add(try trigger("other", #"{"stream_name":"t"}"#))
        func ids(_ group: String, _ item: String?) -> [String] {
            triggers.matching(
                .sent(StreamSent(stream: "s", group: group, item: item, type: "t", data: [0x31]))
            ).map(\.id)
        }
        #expect(ids("g", nil) == ["all", "group"])
        #expect(ids("h", "i") == ["all", "item"])
        triggers.add(try trigger("group", #"{"stream_name":"s","group_id":"h"}"#))
        #expect(ids("g", nil) == ["all"])
        triggers.remove("all")
        #expect(ids("h", "i") == ["group", "item"])
        for config in ["{}", #"{"stream_name":""}"#, #"{"stream_name":7}"#, "[]"] {
            let error = #expect(throws: ErrorBody.self) { try trigger("x", config) }
            #expect(error?.code == "trigger_registration_failed")
        }
    }

    @Test("names of streams are compared by their bytes, also by triggers")
    func bytesOfNames() throws {
        let names = ["caf\u{E9}", "cafe\u{301}"]
        var triggers = StreamTriggers()
        func add(_ id: String, _ stream: String) throws {
            let config = JSONText(trusted: Array(#"{"stream_name":"\#(stream)"}"#.utf8))
            triggers.add(try StreamTrigger(id: id, function: FunctionName(id: "f"), config: config))
        }
        func ids(_ stream: String) -> [String] {
            triggers.matching(
                .sent(StreamSent(stream: stream, group: "g", item: nil, type: "t", data: [0x31]))
            ).map(\.id)
        }
        for name in names { try add("of \(name.utf8.count)", name) }
        #expect(names.map(ids) == [["of 5"], ["of 6"]])
        // A trigger of the same id moves from one to the other.
        try add("of 5", names[1])
        #expect(names.map(ids) == [[], ["of 6", "of 5"]])
    }
}
