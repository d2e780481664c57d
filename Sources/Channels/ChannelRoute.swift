package import NIOCore
package import NetServer
package import Primitives

/// The end of a channel that a socket wants to be.
enum ChannelDirection: String, Sendable { case read, write }

/// Where the channels of one event loop are found.
package struct ChannelHome: Sendable {
    package typealias Find = @Sendable (ChannelID, UUID128) -> DataChannel?

    let loop: any EventLoop
    let find: Find

    /// `find` is called on `loop` and answers nil when there is no such channel, or this is not its
    /// key.
    package init(loop: any EventLoop, find: @escaping Find) {
        self.loop = loop
        self.find = find
    }
}

/// `/ws/channels/{id}?key=&dir=` (protocol 7).
package enum ChannelRoute {
    private static let prefix = "/ws/channels/"

    package static func matches(_ path: String) -> Bool { path.hasPrefix(prefix) }

    /// Whether there is such a channel is asked before the upgrade; whether its end is free shows
    /// when the socket is open. To be called on the connection's `loop`; `homes` are by the number
    /// of the event loop.
    package static func decide(
        _ request: UpgradeRequest,
        on loop: any EventLoop,
        homes: [ChannelHome]
    ) -> UpgradeDecision {
        let parameters = self.parameters(request.query)
        guard let key = parameters.key, !key.isEmpty else {
            return .refuse(status: 400, body: "a channel's address ends in ?key=KEY&dir=DIR\n")
        }
        guard let direction = parameters.direction.flatMap({ ChannelDirection(rawValue: $0) })
        else {
            return .refuse(status: 400, body: "a channel's dir is either read or write\n")
        }
        guard let id = ChannelID(text(request.path.dropFirst(prefix.count))),
            let key = UUID128(key), homes.indices.contains(id.loop)
        else { return notFound }
        return .later { answer in
            let answer = NIOLoopBound(answer, eventLoop: loop)
            let home = homes[id.loop]
            home.loop.run {
                let found = home.find(id, key).map {
                    Found(channel: Remote($0, on: home.loop), bounds: $0.bounds)
                }
                loop.run { answer.value(found.map { $0.decision(direction) } ?? notFound) }
            }
        }
    }

    private static var notFound: UpgradeDecision {
        .refuse(status: 404, body: "no such channel, or another key\n")
    }

    private struct Found: Sendable {
        let channel: Remote<DataChannel>
        let bounds: ChannelBounds

        func decision(_ direction: ChannelDirection) -> UpgradeDecision {
            switch direction {
            case .read: .accept { ReaderSession(channel) }
            case .write: .accept { WriterSession(channel, bounds: bounds) }
            }
        }
    }

    /// Unknown names are ignored.
    private static func parameters(_ query: String?) -> (key: String?, direction: String?) {
        var found: (key: String?, direction: String?)
        for pair in (query ?? "").split(separator: "&") {
            if pair.hasPrefix("key=") { found.key = text(pair.dropFirst(4)) }
            if pair.hasPrefix("dir=") { found.direction = text(pair.dropFirst(4)) }
        }
        return found
    }

    private static func text(_ part: Substring) -> String {
        String(decoding: part.percentDecoded, as: UTF8.self)
    }
}
