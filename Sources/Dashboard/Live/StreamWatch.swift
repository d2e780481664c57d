import JSON
import NIOCore
import Observability
import Primitives

/// What a page wants to see as it happens: a stream, or one group of it.
struct StreamWatch: Hashable, Sendable {
    let stream: String
    /// Nil: all of them.
    let group: String?

    /// What a message of the page asks for.
    enum Wish: Equatable {
        case nothing
        case stream(StreamWatch)
    }

    /// Reads `{"watch":{"stream":"…","group":"…"}}`, `{"watch":{}}` for no stream any more.
    ///
    /// - Returns: nil: the message says nothing of that, or cannot be read.
    static func wish(in message: [UInt8]) -> Wish? {
        guard let text = try? JSONText(validating: message), let watch = text.member("watch") else {
            return nil
        }
        guard let stream = watch.member("stream")?.stringValue else { return .nothing }
        let group = watch.member("group")?.stringValue
        guard stream.utf8.count <= Limits.nameBytes, group?.utf8.count ?? 0 <= Limits.nameBytes
        else { return nil }
        return .stream(StreamWatch(stream: stream, group: group))
    }

    func covers(_ event: StreamSight) -> Bool {
        event.stream == stream && (group == nil || event.group == group)
    }
}

/// What all pages watch, and how far they were told of it. Confined to the publisher's event loop.
struct StreamWatches {
    /// By the number of the event loop.
    private var wanted: [Int: Set<StreamWatch>] = [:]
    private var cursor: UInt64 = 0

    /// The pages of one event loop watch these, and no others.
    mutating func set(_ watches: Set<StreamWatch>, ofLoop loop: Int, _ followed: FollowedLog) {
        guard wanted[loop] ?? [] != watches else { return }
        // Before anybody watched nothing was kept.
        if wanted.isEmpty { cursor = followed.streamEvents(since: nil).cursor }
        wanted[loop] = watches.isEmpty ? nil : watches
        followed.watchStreams(Set(wanted.values.joined().map(\.stream)))
    }

    /// The frames for whoever watches, of what has happened since.
    mutating func take(_ followed: FollowedLog) -> [StreamWatch: ByteBuffer] {
        guard !wanted.isEmpty else { return [:] }
        let news = followed.streamEvents(since: cursor)
        cursor = news.cursor
        guard !news.elements.isEmpty || news.passed > 0 else { return [:] }
        var frames: [StreamWatch: ByteBuffer] = [:]
        for watch in Set(wanted.values.joined()) {
            let own = news.elements.filter { watch.covers($0) }
            guard !own.isEmpty || news.passed > 0 else { continue }
            var buffer = ByteBuffer()
            LiveFrames.append(LiveText.stream(watch, own, lost: news.passed), to: &buffer)
            frames[watch] = buffer
        }
        return frames
    }
}
