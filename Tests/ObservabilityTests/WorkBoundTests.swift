import Events
import Primitives
import Testing

@testable import Observability

@Suite("What the work that is followed may take in memory")
struct WorkBoundTests {
    private func message(_ offset: UInt64, baggage: String) -> FollowedRecord {
        FollowedRecord(
            offset: Offset(offset),
            time: Timestamp(seconds: 1_900_000_000),
            trace: nil,
            cause: nil,
            event: .queue(
                .enqueued(
                    Enqueued(
                        queue: "mails",
                        target: FunctionName(id: "f"),
                        receipt: UUID128(high: 3, low: 3),
                        group: nil,
                        baggage: baggage,
                        payload: [],
                        parent: nil
                    )
                )
            ),
            byteCount: 10
        )
    }

    private func acked(_ offset: UInt64, _ message: UInt64) -> FollowedRecord {
        let event = Acked(
            queue: "mails",
            message: Offset(message),
            result: .none,
            duration: .milliseconds(1)
        )
        return FollowedRecord(
            offset: Offset(offset),
            time: Timestamp(seconds: 1_900_000_000),
            trace: nil,
            cause: nil,
            event: .queue(.acked(event)),
            byteCount: 10
        )
    }

    @Test("the oldest is forgotten where there is no room in bytes, and what ends gives its back")
    func open() {
        var work = OpenWork(bytes: 10_000)
        let baggage = String(repeating: "b", count: 4000)
        _ = work.take(message(0, baggage: baggage))
        let one = work.bytes
        #expect(one > 4000)
        _ = work.take(message(1, baggage: baggage))
        _ = work.take(message(2, baggage: baggage))
        #expect(work.bytes == 2 * one)
        let ended = [acked(3, 0), acked(4, 1), acked(5, 2)].map { record in
            work.take(record).endedToo?.work.facts.offset
        }
        #expect(ended == [nil, Offset(1), Offset(2)], "the oldest made room")
        #expect(work.bytes == 0)
    }

    @Test("of a request's name its beginning is kept")
    func names() {
        let bench = FollowBench()
        let path = "GET /x" + String(repeating: "é", count: 5000)
        bench.write(
            .triggered(
                Triggered(
                    type: "http",
                    trigger: "t",
                    summary: path,
                    function: bench.name("f"),
                    event: []
                )
            )
        )
        let name = bench.row()?.name ?? ""
        #expect(name.utf8.count == 1024)
        #expect(path.hasPrefix(name))
    }
}
