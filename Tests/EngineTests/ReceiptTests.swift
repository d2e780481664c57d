import Primitives
import Testing

@testable import Engine

@Suite("What a handler recognises a message by that it is handed again")
struct ReceiptTests {
    @Test("every delivery has the receipt of its message, and what the sender named its own")
    func attempts() throws {
        let lab = try Lab { $0.queues["default"] = .once(attempts: 2) }
        let worker = try lab.join("w", serving: "f")
        // The sender runs another message itself.
        let sent = Propagation(baggage: "iii.message.id=m, iii.message.receipt=other,k=v")
        let effects = try lab.settle(
            .call(worker, "f", as: .enqueue(queue: "default"), with: sent)
        )
        let receipt = try #require(effects.compactMap(\.receipt).first)
        let first = try #require(effects.dispatches.first)
        let again = try lab.settle(.fail(worker, first.invocation)).dispatches
        let expected = "iii.message.id=m,k=v,iii.function.id=f,iii.message.receipt=\(receipt)"
        #expect(([first] + again).map(\.baggage) == [expected, expected])
        #expect(first.invocation != again.first?.invocation)
    }

    @Test("so has a message of a topic, for every subscriber the same")
    func topics() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f", "g")
        for function in ["f", "g"] {
            let config = #"{"topic":"t"}"#
            try lab.settle(.trigger(worker, "queue", config, to: function, id: function))
        }
        let publish = #"{"topic":"t","data":1}"#
        let left = try lab.settle(.call(worker, "iii::durable::publish", publish)).dispatches
        let receipts = left.compactMap(\.baggage).map { $0.suffix(36) }
        #expect(receipts.count == 2 && Set(receipts).count == 1)
        #expect(UUID128(String(receipts.first ?? "")) != nil)
    }

    @Test("what a delivery calls is not handed its receipt")
    func calls() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        let sent = Propagation(baggage: "iii.message.receipt=other,k=v")
        let left = try lab.settle(.call(worker, "f", with: sent)).dispatches
        #expect(left.map(\.baggage) == ["k=v,iii.function.id=f"])
    }
}
