import Disk
import JSON
import Primitives

extension Engine where Store: ~Copyable {
    /// `engine::channels::create` (protocol 6.8). The channel itself is the edges' business:
    /// nothing of it is recorded, and it does not outlive the process.
    mutating func createChannel(_ input: JSONText, for worker: Worker?) -> Outcome {
        // Its edge opens the channel and then tells it: nobody can come to a channel too early.
        guard let connection = worker?.connection else {
            return .failure(
                ErrorBody(
                    code: "INVALID_ARGUMENTS",
                    message: "engine::channels::create is called by workers only"
                )
            )
        }
        let messages: Int
        do throws(JSONFieldError) {
            messages = try Self.bufferSize(input)
        } catch {
            return .failure(
                ErrorBody(
                    code: "deserialization_error",
                    message: "Failed to deserialize input for engine::channels::create: \(error)"
                )
            )
        }
        let bytes: Int
        do throws(ErrorBody) {
            bytes = try channels.decideOpen(for: connection)
        } catch {
            return .failure(error)
        }
        let channel = Effect.Channel(
            id: ChannelID(onLoop: connection.loop, from: &random),
            key: UUID128(from: &random),
            messages: messages,
            bytes: bytes
        )
        channels.open(channel.id, for: connection, bytes: bytes)
        gate.hold(.open(channel, for: connection), after: nil)
        return Outcome(result: .value(Self.references(to: channel).bytes))
    }

    private static func bufferSize(_ input: JSONText) throws(JSONFieldError) -> Int {
        guard !input.isNull else { return Limits.channelMessages }
        let asked = try JSONFields(input).optionalInteger("buffer_size")
        guard let asked else { return Limits.channelMessages }
        return Int(min(max(asked, 1), Int64(Limits.channelMessagesMax)))
    }

    private static func references(to channel: Effect.Channel) -> JSONText {
        func reference(_ direction: String) -> JSONValue {
            .object([
                "channel_id": .string(channel.id.description),
                "access_key": .string(channel.key.description),
                "direction": .string(direction),
            ])
        }
        return JSONValue.object([
            "writer": reference("write"), "reader": reference("read"),
        ]).text
    }
}
