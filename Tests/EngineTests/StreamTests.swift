import CommitLog
import Events
import Folding
import JSON
import Primitives
import Stream
import Testing

@testable import Engine

/// The functions of streams, and the functions that are told of what they do.
@Suite("Streams")
struct StreamTests {
    private let place = #""stream_name":"board","group_id":"g","item_id":"i""#

    @Test("who wants to hear of others is told in the order in which they joined")
    func watchers() throws {
        let lab = try Lab()
        for number in 1...30 { try lab.settle(.join(UInt64(number), presence: true)) }
        let told = try lab.settle(.join(99, "t")).subscriberLines.filter {
            $0.contains("joined")
        }
        #expect(told.compactMap { UInt64($0.split(separator: " ")[1]) } == Array(1...30))
    }

    @Test("items are kept, and read back where memory is short")
    func items() throws {
        let lab = try Lab(cacheBytes: 0)
        let peer = try lab.join("w")
        #expect(
            try lab.value(of: "stream::set", "{\(place),\"data\":{\"n\":1}}", by: peer).description
                == #"{"old_value":null,"new_value":{"n":1}}"#
        )
        #expect(
            try lab.value(of: "stream::set", "{\(place),\"data\":2}", by: peer).description
                == #"{"old_value":{"n":1},"new_value":2}"#
        )
        #expect(try lab.value(of: "stream::get", "{\(place)}", by: peer).description == "2")
        let list = #"{"stream_name":"board","group_id":"g"}"#
        #expect(try lab.value(of: "stream::list", list, by: peer).description == "[2]")
        #expect(
            try lab.value(of: "stream::delete", "{\(place)}", by: peer).description
                == #"{"old_value":2}"#
        )
        #expect(try lab.result(of: "stream::get", "{\(place)}", by: peer) == .none)
        #expect(
            try lab.failure(of: "stream::set", "{\(place)}", by: peer).code
                == "deserialization_error"
        )
        let events = try lab.recordedEvents().compactMap { event -> StreamEvent? in
            if case .stream(let event) = event { event } else { nil }
        }
        #expect(
            events.last
                == .deleted(
                    StreamDeleted(stream: "board", group: "g", item: "i", old: Array("2".utf8))
                )
        )
    }

    @Test("a restart and a snapshot find the same items")
    func restart() throws {
        let lab = try Lab(segmentBytes: 1 << 16)
        let peer = try lab.join("w")
        for index in 0..<400 {
            let filler = String(repeating: "x", count: 400)
            try lab.settle(
                .call(
                    peer,
                    "stream::set",
                    #"{"stream_name":"s\#(index % 3)","group_id":"g\#(index % 5)","#
                        + #""item_id":"i\#(index % 90)","data":"\#(index)\#(filler)"}"#
                )
            )
            guard index % 7 == 0 else { continue }
            try lab.settle(
                .call(
                    peer,
                    "stream::delete",
                    #"{"stream_name":"s\#(index % 3)","group_id":"g\#(index % 5)","#
                        + #""item_id":"i\#(index % 90)"}"#
                )
            )
        }
        let lived = Digest(of: lab.engine.views)
        let bases = lab.disk.segments.count
        #expect(bases > 2)
        let replayed = try Lab(disk: lab.disk, life: 2, segmentBytes: 1 << 16)
        #expect(replayed.recovered.streams == lived.streams)
        let sealed = replayed.engine.log.activeSegment.base
        let folded = try Lab(
            disk: lab.disk,
            life: 3,
            segmentBytes: 1 << 16,
            snapshotUntil: sealed
        )
        #expect(folded.recovered.streams == lived.streams)
        #expect(
            folded.engine.views.streams.groupNames(of: "s1")
                == lab.engine.views.streams.groupNames(of: "s1")
        )
    }

    @Test("a trigger's function is told of what changes, and of nothing else")
    func triggers() throws {
        let lab = try Lab()
        let peer = try lab.join("w", serving: "told")
        try lab.settle(
            .trigger(peer, "stream", #"{"stream_name":"board","group_id":"g"}"#, to: "told")
        )
        let set = try lab.settle(.call(peer, "stream::set", "{\(place),\"data\":1}"))
        let told = try #require(set.dispatches.first)
        let event = try JSONText(validating: told.payload)
        #expect(
            event.keys
                == ["event", "groupId", "id", "offset", "streamName", "timestamp", "type"]
        )
        #expect(event.member("event")?.description == #"{"type":"create","data":1}"#)
        #expect(event.member("id")?.description == "\"i\"")
        // The writer does not wait for it.
        #expect(set.compactMap(\.answer).count == 1)
        try lab.settle(.answer(peer, told.invocation))
        for (call, input, expected) in [
            ("set", "{\(place),\"data\":2}", #"{"type":"update","data":2}"#),
            (
                "send", #"{"stream_name":"board","group_id":"g","type":"t","data":[]}"#,
                #"{"type":"event","event":{"type":"t","data":[]}}"#
            ),
            ("delete", "{\(place)}", #"{"type":"delete","data":2}"#),
        ] {
            let effects = try lab.settle(.call(peer, "stream::\(call)", input))
            let told = try #require(effects.dispatches.first)
            #expect(
                try JSONText(validating: told.payload).member("event")?.description == expected
            )
            try lab.settle(.answer(peer, told.invocation))
        }
        let silent = try lab.settle(
            .call(peer, "stream::delete", "{\(place)}"),
            .call(peer, "stream::get", "{\(place)}"),
            .call(
                peer,
                "stream::set",
                #"{"stream_name":"board","group_id":"h","item_id":"i","data":1}"#
            )
        )
        #expect(silent.dispatches.isEmpty)
    }

    @Test("functions of one event run one after the other, and a failure stops none")
    func sequence() throws {
        let lab = try Lab()
        let peer = try lab.join("w", serving: "one", "two", "never", "judge")
        let board = #"{"stream_name":"board"}"#
        let judged = #"{"stream_name":"board","condition_function_id":"judge"}"#
        try lab.settle(
            .trigger(peer, "stream", board, to: "one", id: "1"),
            .trigger(peer, "stream", judged, to: "never", id: "2"),
            .trigger(peer, "stream", board, to: "two", id: "3")
        )
        // Another replica of the worker asks for the same.
        let replica = try lab.join("w2", serving: "one")
        try lab.settle(.trigger(replica, "stream", board, to: "one", id: "4"))
        let first = try lab.settle(.call(peer, "stream::set", "{\(place),\"data\":1}"))
        #expect(first.dispatches.map(\.function) == ["one"])
        let owner = first.lines(to: replica).isEmpty ? peer : replica
        let second = try lab.settle(.fail(owner, first.dispatches[0].invocation))
        #expect(second.dispatches.map(\.function) == ["judge"])
        let third = try lab.settle(.answer(peer, second.dispatches[0].invocation, "false"))
        #expect(third.dispatches.map(\.function) == ["two"])
        let last = try lab.settle(.answer(peer, third.dispatches[0].invocation))
        #expect(last.dispatches.isEmpty)
        #expect(lab.engine.takeNotices().contains { $0.text.contains("one, told of create") })
        #expect(lab.isQuiet)
    }

    @Test("a trigger without a stream is refused")
    func refused() throws {
        let lab = try Lab()
        let peer = try lab.join("w", serving: "f")
        let lines = try lab.settle(.trigger(peer, "stream", "{}", to: "f")).lines
        #expect(lines.contains { $0.contains("stream_name") })
    }

    // MARK: Streams that workers keep

    @Test("a worker that keeps a stream is asked in place of the engine, until it goes")
    func custom() throws {
        let lab = try Lab()
        let keeper = try lab.join(
            "keeper",
            serving: "stream::get(board)",
            "stream::set(board)",
            "stream::delete(board)",
            "stream::list(board)"
        )
        let peer = try lab.join("w", serving: "told")
        try lab.settle(.trigger(peer, "stream", #"{"stream_name":"board"}"#, to: "told"))
        let asked = try lab.settle(
            .call(peer, "stream::set", "{\(place),\"data\":{\"a\": 1},\"_caller_worker_id\":\"x\"}")
        )
        let question = try #require(asked.dispatches.first)
        #expect(question.function == "stream::set(board)")
        #expect(
            String(decoding: question.payload, as: UTF8.self) == "{\(place),\"data\":{\"a\":1}}"
        )
        let done = try lab.settle(.answer(keeper, question.invocation, #"{"new_value":{"a":1}}"#))
        #expect(
            done.compactMap(\.answer).map(\.line) == [#"{"old_value":null,"new_value":{"a":1}}"#]
        )
        let told = try #require(done.dispatches.first)
        #expect(
            try JSONText(validating: told.payload).member("event")?.description
                == #"{"type":"create","data":{"a":1}}"#
        )
        #expect(lab.engine.views.streams.itemCount == 0)

        try expect(lab, peer, keeper, "stream::get", .value(Array("7".utf8)), "7")
        try expect(lab, peer, keeper, "stream::get", .none, "nothing")
        let failure = FunctionResult.failure(ErrorBody(code: "MINE", message: "no"))
        try expect(lab, peer, keeper, "stream::get", failure, "MINE: no")
        let malformed = FunctionResult.value(Array(#"{"old_value":1}"#.utf8))
        try expect(lab, peer, keeper, "stream::set", malformed, "JSON_ERROR")
        try expect(lab, peer, keeper, "stream::set", .none, "STREAM_SET_ERROR")
        try expect(lab, peer, keeper, "stream::delete", failure, "STREAM_DELETE_ERROR")
        try expect(
            lab,
            peer,
            keeper,
            "stream::delete",
            .value(Array("{}".utf8)),
            #"{"old_value":null}"#
        )
        // Nobody keeps it: the engine's own items are changed.
        _ = try lab.value(of: "stream::update", "{\(place),\"ops\":[]}", by: peer)
        #expect(lab.engine.views.streams.itemCount == 1)
        try lab.settle(.workerLeft(keeper.connection, reason: "gone"))
        #expect(try lab.value(of: "stream::get", "{\(place)}", by: peer).description == "{}")
    }

    @Test("the engine's own items of such a stream are no pages of it; their update is told of")
    func mixed() throws {
        let lab = try Lab()
        let keeper = try lab.join(
            "keeper",
            serving: "stream::list(board)",
            "stream::get(board)"
        )
        let peer = try lab.join("w")
        let refusal = try lab.failure(of: "stream::entries", "{\(place)}", by: peer)
        #expect(refusal.code == "STREAM_KEPT_BY_WORKER")
        let other = #"{"stream_name":"other","group_id":"g"}"#
        _ = try lab.value(of: "stream::entries", other, by: peer)
        for _ in 0..<2 {
            _ = try lab.value(of: "stream::update", "{\(place),\"ops\":[]}", by: peer)
        }
        let told = lab.engine.takeNotices().filter { $0.text.contains("stream::update") }
        #expect(told.count == 1)
        try lab.settle(.workerLeft(keeper.connection, reason: "gone"))
        let page = try lab.value(of: "stream::entries", "{\(place)}", by: peer)
        #expect(page.member("entries")?.elements?.count == 1)
    }

    @Test("each function of a stream is kept on its own: the others are the engine's as ever")
    func partly() throws {
        let lab = try Lab()
        _ = try lab.join("keeper", serving: "stream::list_groups(board)")
        let peer = try lab.join("w")
        _ = try lab.value(of: "stream::update", "{\(place),\"ops\":[]}", by: peer)
        let page = try lab.value(of: "stream::entries", "{\(place)}", by: peer)
        #expect(page.member("entries")?.elements?.count == 1)
        let told = lab.engine.takeNotices().filter { $0.text.contains("stream::update") }
        #expect(told.isEmpty)
    }

    private func expect(
        _ lab: Lab,
        _ peer: Peer,
        _ keeper: Peer,
        _ function: String,
        _ result: FunctionResult,
        _ expected: String
    ) throws {
        let asked = try lab.settle(.call(peer, function, "{\(place),\"data\":1}"))
        let question = try #require(asked.dispatches.first)
        let answered = try lab.settle(
            .result(keeper.connection, CallResult(id: .uuid(question.invocation), result: result))
        )
        let line = try #require(answered.compactMap(\.answer).first).line
        #expect(line.hasPrefix(expected), "\(function): \(line)")
        for dispatch in answered.dispatches {
            try lab.settle(.answer(peer, dispatch.invocation))
        }
    }

    @Test("a queued write to a stream that a worker keeps waits for that worker")
    func queued() throws {
        let lab = try Lab()
        let keeper = try lab.join("keeper", serving: "stream::set(board)")
        let peer = try lab.join("w")
        let asked = try lab.settle(.enqueue(peer, "stream::set", "{\(place),\"data\":1}"))
        let question = try #require(asked.dispatches.first)
        #expect(!lab.isQuiet)
        try lab.settle(.answer(keeper, question.invocation, #"{"new_value":1}"#))
        #expect(lab.isQuiet)
        let acked = try lab.recordedEvents().contains {
            if case .queue(.acked) = $0 { true } else { false }
        }
        #expect(acked)
    }
}
