import JSON
import Primitives
import Testing

@testable import HTTP

@Suite("A request's channels")
struct HTTPChannelsTests {
    private let channels: HTTPChannels

    init() {
        var entropy = SeededEntropy(seed: 3)
        channels = HTTPChannels(
            requestBody: ChannelID(.requestBody, ofExchange: 7, onLoop: 1),
            response: ChannelID(.response, ofExchange: 7, onLoop: 1),
            key: UUID128(from: &entropy)
        )
    }

    private func event(headers: [(name: String, value: String)] = []) throws -> HTTPEvent {
        let trigger = try HTTPTrigger(
            id: "t",
            function: FunctionName(id: "f"),
            config: JSONText(trusted: Array(#"{"api_path":"a"}"#.utf8)),
            metadata: nil
        )
        let request = HTTPRequest(
            method: "GET",
            path: "/a",
            query: nil,
            headers: headers,
            body: [],
            channels: channels
        )
        return HTTPEvent(request, trigger: trigger, parameters: [])
    }

    @Test("the function gets a reference to either")
    func references() throws {
        let bytes = try event().input.bytes
        let input = try JSONText(validating: bytes)
        for (name, id, direction) in [
            ("request_body", channels.requestBody, "read"),
            ("response", channels.response, "write"),
        ] {
            let reference = try #require(input.member(name))
            #expect(reference.member("channel_id")?.stringValue == id.description)
            #expect(reference.member("access_key")?.stringValue == channels.key.description)
            #expect(reference.member("direction")?.stringValue == direction)
            guard case .object(let members) = reference.value() else { return }
            #expect(members.members.count == 3)
        }
        #expect(input.member("trigger")?.member("path")?.stringValue == "a")
    }

    @Test("the log gets neither, whatever else it leaves out", arguments: [false, true])
    func logged(hasSecrets: Bool) throws {
        let event = try event(headers: hasSecrets ? [("cookie", "c")] : [])
        let text = event.logged.description
        #expect(!text.contains(channels.key.description))
        #expect(!text.contains("request_body"))
        #expect(!text.contains("channel_id"))
        #expect(event.input.description.contains(channels.key.description))
        _ = try JSONText(validating: event.logged.bytes)
    }
}
