import Engine
import Primitives
import Testing

@testable import NetServer
@testable import StreamGateway

@Suite("Requests for events")
struct EventsRequestTests {
    /// The last that whoever asks has heard of.
    private func after(_ lastEventID: String?, query: String? = nil) throws -> Offset? {
        let request = UpgradeRequest(
            path: "/stream/chat/room",
            query: query,
            headers: lastEventID.map { [(name: "last-event-id", value: $0)] } ?? [],
            remoteAddress: "",
            remotePort: 0,
            isUpgrade: false,
            isPreflight: false
        )
        return try #require(EventsRequest(request)).join(nil).after
    }

    @Test("an empty Last-Event-ID is of somebody who has heard nothing, and misses nothing")
    func nothingHeard() throws {
        #expect(try after(nil) == nil)
        #expect(try after("") == nil)
        #expect(try after(nil, query: "after=") == nil)
        #expect(try after("6") == Offset(6))
        #expect(try after(nil, query: "x=1&after=7") == Offset(7))
        // No offset: something is missed.
        #expect(try after("x") == Offset.limit)
    }
}
