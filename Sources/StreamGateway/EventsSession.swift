import Engine
import JSON
import NetServer
import Primitives
import Stream

/// A request for the events of a group, or of one item: `GET /stream/NAME/GROUP[/ID]`.
struct EventsRequest {
    private let group: StreamGroup
    private let item: String?
    private let after: Offset?
    private let origin: String?

    /// Nil: the path names no group.
    init?(_ request: UpgradeRequest) {
        let parts = request.path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 4 || parts.count == 5, parts[0].isEmpty, parts[1] == "stream" else {
            return nil
        }
        let names = parts.dropFirst(2).compactMap {
            // No name is anything but UTF-8.
            String(validating: $0.percentDecoded, as: UTF8.self)
        }
        guard names.count == parts.count - 2,
            names.allSatisfy({ $0.utf8.count <= Limits.nameBytes })
        else { return nil }
        group = StreamGroup(stream: names[0], group: names[1])
        item = names.count == 3 && !names[2].isEmpty ? names[2] : nil
        after = (request.header("last-event-id") ?? Self.parameter("after", request.query))
            .flatMap { $0.isEmpty ? nil : Offset(heardOf: $0) }
        origin = request.header("origin")
    }

    /// The page that asks was judged before, by its origin.
    var headers: [(name: String, value: String)] {
        origin.map { [("Access-Control-Allow-Origin", $0), ("Vary", "Origin")] } ?? []
    }

    /// What a preflight is told: the headers that a page may set beyond those that any may.
    var permission: [(name: String, value: String)] {
        headers + [
            ("Access-Control-Allow-Methods", "GET"),
            ("Access-Control-Allow-Headers", "Authorization, Last-Event-ID"),
        ]
    }

    func join(_ context: JSONText?) -> StreamJoin {
        StreamJoin(
            subscription: "events",
            group: group,
            item: item,
            after: after,
            context: context
        )
    }

    private static func parameter(_ name: String, _ query: String?) -> String? {
        (query ?? "").split(separator: "&").first { $0.hasPrefix("\(name)=") }
            .map { String($0.dropFirst(name.count + 1)) }
    }
}

/// A response of events: one subscription, made by the request.
final class EventsSession: EventStreamSession {
    private let subscriber: Subscriber
    private let join: StreamJoin

    init(_ subscriber: Subscriber, _ join: StreamJoin) {
        self.subscriber = subscriber
        self.join = join
    }

    func opened(_ socket: EventStreamSocket) {
        subscriber.opened(socket)
        subscriber.ask(.join(subscriber.id, join), bytes: 256)
    }

    func writable(_ isWritable: Bool) { if isWritable { subscriber.writable() } }

    func closed() { subscriber.closed() }
}
