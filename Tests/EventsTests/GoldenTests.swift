import Primitives
import Testing

@testable import Events

/// One event of each kind, field by field different, and its bytes.
@Suite("The bytes of events")
struct GoldenTests {
    @Test("a change of the format is a change of this table", arguments: golden)
    func bytes(sample: Golden) throws {
        let hex = sample.event.payload.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(hex == sample.hex, "\(sample.event.kind)")
    }

    @Test("every kind is in the table")
    func complete() {
        #expect(Set(golden.map(\.event.kind)) == Set(EventKind.allCases))
    }
}

struct Golden: Sendable {
    let event: Event
    let hex: String

    init(_ event: Event, _ hex: String) {
        self.event = event
        self.hex = hex
    }
}

private let golden =
    goldenOfWorkers + goldenOfServices + streamGolden + goldenRequests + configurationGolden
