import Primitives
import Testing

@testable import Engine

/// What a subscriber that comes back says it has heard of last, however it is written.
@Suite("Where subscribers go on")
struct HeardOfTests {
    @Test("an offset is a decimal number")
    func offsets() {
        for offset in [0, 6, Offset.limit.rawValue] {
            #expect(Offset(heardOf: "\(offset)") == Offset(offset))
        }
    }

    @Test(
        "what is none is told of a gap, and what there is",
        arguments: ["-1", "", "x", "1.5", "true", "{}", "6 ", "9223372036854775807", "1e99"]
    )
    func others(text: String) throws {
        let after = Offset(heardOf: text)
        #expect(after == .limit)
        let lab = try Lab()
        #expect(
            try lab.settle(.join(1, after: after.rawValue)).subscriberLines == [
                "unsubscribe 1 s", "subscribe 1 s",
                #"send 1 {"type":"gap","after":null,"reason":"the log ends before that offset"}"#,
                #"send 1 {"type":"sync","data":[]}"#,
            ]
        )
    }
}
