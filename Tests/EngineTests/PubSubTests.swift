import Events
import JSON
import Primitives
import Testing

@testable import Engine

@Suite("Publishing to subscribers")
struct PubSubTests {
    private func lab(_ topics: String...) throws -> (Lab, Peer) {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f", "g")
        for (index, topic) in topics.enumerated() {
            let config = "{\"topic\":\"\(topic)\"}"
            try lab.settle(.trigger(worker, "subscribe", config, to: "f", id: "t\(index)"))
        }
        return (lab, worker)
    }

    private func payloads(_ effects: [Effect]) -> [String] {
        effects.dispatches.map { String(decoding: $0.payload, as: UTF8.self) }
    }

    @Test("every trigger of the topic is called once, with the data as it was, and no other")
    func fanOut() throws {
        let (lab, worker) = try lab("a", "a", "b")
        let data = #"{"n":1.0,"x":null}"#
        let left = try lab.settle(
            .call(worker, "publish", #"{"topic":"a","data":\#(data)}"#)
        )
        #expect(payloads(left) == [data, data])
        #expect(
            try payloads(lab.settle(.call(worker, "publish", #"{"topic":"b","data":2}"#))) == ["2"]
        )
    }

    @Test("the caller hears at once, with no value, whatever the functions do")
    func answer() throws {
        let (lab, worker) = try lab("a")
        let left = try lab.settle(.call(worker, "publish", #"{"topic":"a","data":1}"#))
        for case .send(worker.connection, .answer(_, _, let result, _)) in left {
            #expect(result == .none)
        }
        let dispatch = try #require(left.dispatches.first)
        #expect(try lab.settle(.fail(worker, dispatch.invocation)).dispatches.isEmpty)
        #expect(try lab.settle().dispatches.isEmpty, "nothing is tried again")
    }

    @Test("replicas that each subscribe hear of it once each, whoever is busy")
    func replicas() throws {
        let lab = try Lab()
        let replicas = [try lab.join("a", serving: "f", "g"), try lab.join("b", serving: "f")]
        for (index, replica) in replicas.enumerated() {
            let id = "t\(index)"
            try lab.settle(.trigger(replica, "subscribe", #"{"topic":"a"}"#, to: "f", id: id))
        }
        let other = try lab.join("other")
        try lab.settle(.trigger(other, "subscribe", #"{"topic":"b"}"#, to: "f", id: "t2"))
        let publish = #"{"topic":"a","data":1}"#
        // Nobody answers: the first has more to do than the other ever gets.
        for _ in 0..<20 { try lab.settle(.call(other, "g")) }
        for publisher in replicas + replicas {
            let left = try lab.settle(.call(publisher, "publish", publish))
            for replica in replicas {
                #expect(left.lines(to: replica).filter { $0 == "invoke f 1" }.count == 1)
            }
        }
        // Who does not serve the function has it run by those who do.
        let left = try lab.settle(.call(other, "publish", #"{"topic":"b","data":2}"#))
        #expect(left.dispatches.count == 1)
        try lab.settle(.workerLeft(replicas[0].connection, reason: "gone"))
        let one = try lab.settle(.call(other, "publish", publish))
        #expect(one.lines(to: replicas[1]) == ["invoke f 1"])
    }

    @Test("what the subscriber's SDK cannot receive runs where it can be received")
    func tooLarge() throws {
        let lab = try Lab(segmentBytes: 8 << 20)
        let old = try lab.join("old", runtime: "python", version: "0.24.4", serving: "f")
        let new = try lab.join("new", serving: "f")
        try lab.settle(.trigger(old, "subscribe", #"{"topic":"a"}"#, to: "f"))
        for (count, receiver) in [(1, old), (1 << 20, new)] {
            let text = String(repeating: "x", count: count)
            let publish = "{\"topic\":\"a\",\"data\":\"\(text)\"}"
            let left = try lab.settle(.call(new, "publish", publish))
            #expect(left.dispatches.count == 1)
            #expect(left.lines(to: receiver).contains { $0.hasPrefix("invoke f") })
        }
    }

    @Test("without a subscriber, or for one that comes later, there is nothing")
    func late() throws {
        let (lab, worker) = try lab()
        let publish = #"{"topic":"a","data":1}"#
        #expect(try lab.settle(.call(worker, "publish", publish)).dispatches.isEmpty)
        try lab.settle(.trigger(worker, "subscribe", #"{"topic":"a"}"#, to: "f"))
        #expect(try lab.settle().dispatches.isEmpty)
    }

    @Test("topics of queues are others")
    func queues() throws {
        let (lab, worker) = try lab("a")
        try lab.settle(.trigger(worker, "queue", #"{"topic":"a"}"#, to: "g", id: "q"))
        let durable = try lab.settle(
            .call(worker, "iii::durable::publish", #"{"topic":"a","data":1}"#)
        )
        #expect(durable.dispatches.map(\.function) == ["g"])
        let published = try lab.settle(.call(worker, "publish", #"{"topic":"a","data":2}"#))
        #expect(published.dispatches.map(\.function) == ["f"])
    }

    @Test("a trigger that is taken back, moved or left takes only itself away")
    func ends() throws {
        let (lab, worker) = try lab("a", "a", "a")
        let publish = #"{"topic":"a","data":1}"#
        try lab.settle(.register(worker.connection, .removeTrigger(id: "t0")))
        #expect(try lab.settle(.call(worker, "publish", publish)).dispatches.count == 2)
        try lab.settle(.trigger(worker, "subscribe", #"{"topic":"b"}"#, to: "f", id: "t1"))
        #expect(try lab.settle(.call(worker, "publish", publish)).dispatches.count == 1)
        let other = try lab.join("other", serving: "h")
        try lab.settle(.trigger(other, "subscribe", #"{"topic":"a"}"#, to: "h", id: "h"))
        #expect(try lab.settle(.call(worker, "publish", publish)).dispatches.count == 2)
        try lab.settle(.workerLeft(other.connection, reason: "closed"))
        #expect(try lab.settle(.call(worker, "publish", publish)).dispatches.count == 1)
    }

    @Test(
        "what is no publication is refused",
        arguments: [
            ("{}", "deserialization_error"), (#"{"topic":"a"}"#, "deserialization_error"),
            (#"{"topic":7,"data":1}"#, "deserialization_error"),
            (#"{"topic":"","data":1}"#, "topic_not_set"),
        ]
    )
    func refused(input: String, code: String) throws {
        let (lab, worker) = try lab("a")
        let left = try lab.settle(.call(worker, "publish", input))
        #expect(left.lines.contains { $0.contains(code) }, "\(left.lines)")
        #expect(left.dispatches.isEmpty)
    }

    @Test("a trigger without a topic is taken with a word, and never runs")
    func noTopic() throws {
        let (lab, worker) = try lab("")
        #expect(lab.engine.registry.triggers["t0"] != nil)
        #expect(lab.engine.takeNotices().contains { $0.text.contains("subscribes to no topic") })
        _ = worker
    }
}
