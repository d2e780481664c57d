import JSON
import Primitives
import Stream

@testable import Engine

// Subscribers of streams, in short.

extension Command {
    static func join(
        _ number: UInt64,
        _ subscription: String = "s",
        stream: String = "board",
        group: String = "g",
        item: String? = nil,
        after: UInt64? = nil,
        presence: Bool = false,
        context: String? = nil
    ) -> Command {
        .stream(
            .join(
                SubscriberID(loop: 0, number: number),
                StreamJoin(
                    subscription: subscription,
                    group: StreamGroup(stream: stream, group: group),
                    item: item,
                    after: after.map { Offset($0) },
                    watchesPresence: presence,
                    context: context.map { JSONText(trusted: Array($0.utf8)) }
                )
            )
        )
    }

    static func leave(_ number: UInt64, _ subscription: String = "s") -> Command {
        .stream(
            .leave(
                SubscriberID(loop: 0, number: number),
                StreamJoin(
                    subscription: subscription,
                    group: StreamGroup(stream: "board", group: "g")
                )
            )
        )
    }

    static func gone(_ number: UInt64) -> Command {
        .stream(.gone(SubscriberID(loop: 0, number: number)))
    }
}

extension StreamEffect {
    /// One line, without what is random.
    var line: String {
        switch self {
        case .admitted(let id, let context): "admitted \(id.number) \(context ?? .null)"
        case .subscribe(let id, let join): "subscribe \(id.number) \(join.subscription)"
        case .unsubscribe(let id, let subscription): "unsubscribe \(id.number) \(subscription)"
        case .send(let id, let message): "send \(id.number) \(message.event)"
        case .push(_, let message): "push \(message.event)"
        case .close(let id, let code, _): "close \(id.number) \(code)"
        case .replay(let replay): "replay \(replay.subscriber.number) \(replay.records)"
        }
    }
}

extension StreamMessage {
    /// Its `event`.
    var event: String { JSONText(trusted: json).member("event")?.description ?? "?" }
}

extension [Effect] {
    /// What is for subscribers, one line each.
    var subscriberLines: [String] {
        compactMap { effect in
            if case .toSubscribers(let effect) = effect { effect.line } else { nil }
        }
    }

    var replays: [StreamReplay] {
        compactMap { effect in
            if case .toSubscribers(.replay(let replay)) = effect { replay } else { nil }
        }
    }
}
