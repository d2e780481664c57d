import Engine
import JSON
import NetServer
import Primitives
import Stream

/// A WebSocket of a subscriber (services 1, D.3). What is no request is ignored.
final class SocketSession: WebSocketSession {
    private let subscriber: Subscriber
    private let context: JSONText?
    private var badMessages = 0

    init(_ subscriber: Subscriber, context: JSONText?) {
        self.subscriber = subscriber
        self.context = context
    }

    func opened(_ socket: WebSocketSocket) { subscriber.opened(socket) }

    func text(_ message: UnsafeBufferPointer<UInt8>) {
        guard !message.allSatisfy({ $0 <= 0x20 }) else { return }
        do {
            let fields = try JSONFields(JSONText(validating: Array(message)))
            switch try fields.requiredString("type") {
            case "join":
                let join = try self.join(fields.requiredObject("data"))
                subscriber.ask(.join(subscriber.id, join), bytes: message.count)
            case "leave":
                let join = try self.join(fields.requiredObject("data"))
                subscriber.ask(.leave(subscriber.id, join), bytes: message.count)
            case let type: ignore("a message of unknown type \"\(type)\"")
            }
        } catch {
            ignore("a message that is no request: \(error)")
        }
    }

    func binary(_ message: UnsafeBufferPointer<UInt8>) { text(message) }

    private func join(_ data: JSONFields) throws -> StreamJoin {
        let join = StreamJoin(
            subscription: try data.requiredString("subscriptionId"),
            group: StreamGroup(
                stream: try data.requiredString("streamName"),
                group: try data.requiredString("groupId")
            ),
            item: try data.optionalString("id"),
            after: data.optionalValue("after").flatMap { value in
                value.isNull ? nil : Offset(heardOf: value.stringValue ?? value.description)
            },
            watchesPresence: try data.optionalBool("presence") ?? false,
            context: context
        )
        let names = [join.subscription, join.group.stream, join.group.group, join.item ?? ""]
        guard names.allSatisfy({ $0.utf8.count <= Limits.nameBytes }) else {
            throw data.mismatch(
                "subscriptionId",
                expected: "names of at most \(Limits.nameBytes) bytes"
            )
        }
        return join
    }

    /// Says what was wrong, for the first ones: a client gone wild must not fill the log.
    private func ignore(_ what: String) {
        badMessages += 1
        guard badMessages <= 3 else { return }
        subscriber.notice("ignored \(what) from a subscriber of streams")
    }

    func readCompleted() {}

    func writable(_ isWritable: Bool) { if isWritable { subscriber.writable() } }

    func closed(_ reason: CloseReason) { subscriber.closed() }
}
