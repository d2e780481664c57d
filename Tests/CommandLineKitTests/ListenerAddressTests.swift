import Testing

@testable import CommandLineKit

@Suite("Where a listener of an engine is")
struct ListenerAddressTests {
    @Test(
        "what stands for the engine's own machine is where the engine is reached, token and all",
        arguments: [
            ("0.0.0.0:3112", "ws://far:49134", "ws://far:3112"),
            ("127.0.0.1:3112", "ws://far", "ws://far:3112"),
            ("localhost:3112", "ws://127.0.0.1:49134", "ws://127.0.0.1:3112"),
            ("[::]:3112", "ws://[fd00::7]:49134/?token=t", "ws://[fd00::7]:3112/?token=t"),
            ("[::1]:3112", "ws://[fd00::7]", "ws://[fd00::7]:3112"),
            ("10.0.0.9:3112", "ws://far:49134?token=t", "ws://10.0.0.9:3112?token=t"),
        ]
    )
    func seen(told: String, engine: String, address: String) {
        #expect(ListenerAddress.address(told, seenFrom: engine) == address)
    }
}
