import Primitives
import Testing

@testable import NetServer

@Suite("What asks to become a WebSocket")
struct UpgradeRequestTests {
    private func refusal(_ query: String?) -> Int? {
        let request = UpgradeRequest(
            path: "/",
            query: query,
            headers: [],
            remoteAddress: "",
            remotePort: 0,
            isUpgrade: true,
            isPreflight: false
        )
        guard case .refuse(let status, _)? = request.refusalOfParameters else { return nil }
        return status
    }

    @Test("nobody is asked about so many parameters that to read them takes time")
    func parameters() {
        func query(_ count: Int) -> String {
            Array(repeating: "a", count: count).joined(separator: "&")
        }
        #expect(refusal(nil) == nil)
        #expect(refusal("") == nil)
        #expect(refusal(query(Limits.handshakeParameters)) == nil)
        #expect(refusal(query(Limits.handshakeParameters + 1)) == 400)
    }
}
