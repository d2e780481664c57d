import DequeModule
import Engine
import JSON
import NIOCore
import NetServer
import Primitives
import Stream

/// A socket that is sent what it subscribed to, as fast as it takes it.
///
/// What it does not take waits here, bounded: messages that many wait for are in memory once. News
/// that find no room meet the policy for slow subscribers; what it asked for itself is told, or
/// the connection ends. Nobody else notices.
final class Subscriber: BatchSender {
    private enum Transport {
        case none
        case webSocket(WebSocketSocket)
        case events(EventStreamSocket)
    }

    let id: SubscriberID
    var subscriptions: [String: LocalGroup.Subscription] = [:]
    /// Whether it has unflushed messages; the gateway's.
    var isTouched = false
    var isSender = false
    private(set) var wantsEvents = false
    private var transport = Transport.none
    private let gateway: StreamGateway
    private var waiting: Deque<Waiting> = []
    private var news = Amount()
    private var answers = Amount()
    /// Called when nothing waits any more.
    private var caughtUp: [(replay: StreamReplay, done: @Sendable (Bool) -> Void)] = []
    /// What it was not told, by group.
    private var dropped: [StreamGroup: (count: Int, first: UInt64?)] = [:]

    private struct Waiting {
        let message: StreamMessage
        let bytes: ByteBuffer
        let kind: Kind

        enum Kind {
            /// What happens in a group: it can be dropped.
            case news
            /// What the subscriber asked for.
            case answer
            /// It was read for this subscriber alone, which is not given more before it took it.
            case replayed(StreamReplay)
        }

        var isNews: Bool { if case .news = kind { true } else { false } }
        var isCancelled: Bool {
            if case .replayed(let replay) = kind { replay.isCancelled } else { false }
        }
    }

    /// How much waits of one kind.
    private struct Amount {
        private var count = 0
        private var bytes = 0

        mutating func add(_ buffer: ByteBuffer) {
            count += 1
            bytes += buffer.readableBytes
        }

        mutating func remove(_ buffer: ByteBuffer) {
            count -= 1
            bytes -= buffer.readableBytes
        }

        /// One message may be of any size.
        func exceeds(count countMax: Int, bytes bytesMax: Int) -> Bool {
            count > countMax || count > 1 && bytes > bytesMax
        }
    }

    init(_ id: SubscriberID, gateway: StreamGateway) {
        self.id = id
        self.gateway = gateway
    }

    func opened(_ socket: WebSocketSocket) { transport = .webSocket(socket) }

    func opened(_ socket: EventStreamSocket) {
        transport = .events(socket)
        wantsEvents = true
    }

    func closed() {
        transport = .none
        forget()
        gateway.closed(self)
        for (_, done) in caughtUp { done(false) }
        caughtUp = []
    }

    func ask(_ command: SubscriberCommand, bytes: Int) {
        gateway.collect(command, bytes: bytes, from: self)
    }

    /// A response of events was all read, and asks for nothing more.
    func pauseReading() { if case .webSocket(let socket) = transport { socket.pauseReading() } }

    func resumeReading() { if case .webSocket(let socket) = transport { socket.resumeReading() } }

    func notice(_ text: String) {
        gateway.notify(Notice(severity: .warning, text: text))
    }

    // MARK: Sending

    private var isWritable: Bool {
        switch transport {
        case .none: false
        case .webSocket(let socket): socket.isWritable
        case .events(let socket): socket.isWritable
        }
    }

    private func write(_ bytes: ByteBuffer) {
        switch transport {
        case .none: break
        case .webSocket(let socket): socket.send(bytes)
        case .events(let socket): socket.write(bytes)
        }
    }

    private func write(_ parcel: EncodedBatch) { for piece in parcel.pieces { write(piece) } }

    func flush() {
        switch transport {
        case .none: break
        case .webSocket(let socket): socket.flush()
        case .events(let socket): socket.flush()
        }
    }

    /// Sends what it asked for, or what happens in its groups.
    func take(_ parcel: EncodedBatch, isAnswer: Bool = false) {
        if waiting.isEmpty, dropped.isEmpty {
            // What was written before may wait for nothing but its flush.
            if !isWritable { flush() }
            if isWritable { return write(parcel) }
        }
        for (message, bytes) in parcel.messages {
            guard isAnswer ? keep(answer: message, bytes) : keep(news: message, bytes) else {
                forget()
                return close(code: 1013, reason: "too slow: more messages wait than are kept")
            }
        }
    }

    /// - Returns: false when too many wait.
    private func keep(answer message: StreamMessage, _ bytes: ByteBuffer) -> Bool {
        waiting.append(Waiting(message: message, bytes: bytes, kind: .answer))
        answers.add(bytes)
        return !answers.exceeds(count: Limits.streamAnswers, bytes: Limits.streamAnswerBytes)
    }

    /// - Returns: false when too many wait, and none may be dropped.
    private func keep(news message: StreamMessage, _ bytes: ByteBuffer) -> Bool {
        if gateway.settings.slow == .coalesce { supersede(by: message) }
        waiting.append(Waiting(message: message, bytes: bytes, kind: .news))
        news.add(bytes)
        while isOverfull {
            guard gateway.settings.slow != .disconnect else { return false }
            dropOldest()
        }
        return true
    }

    /// Takes what was read for it alone, a piece at a time, however long that takes; `done` is
    /// called when the peer has taken it, unless the replay was cancelled before.
    func catchUp(
        _ replay: StreamReplay,
        _ parcel: EncodedBatch?,
        done: @escaping @Sendable (Bool) -> Void
    ) {
        // Whoever does not read could join anew for ever.
        waiting.removeAll { $0.isCancelled }
        caughtUp.removeAll { $0.replay.isCancelled }
        for (message, bytes) in parcel?.messages ?? [] {
            waiting.append(Waiting(message: message, bytes: bytes, kind: .replayed(replay)))
        }
        caughtUp.append((replay, done))
        writable()
    }

    private var isOverfull: Bool {
        news.exceeds(count: Limits.streamWaiting, bytes: Limits.streamWaitingBytes)
    }

    private func supersede(by message: StreamMessage) {
        guard message.isChange,
            let place = waiting.firstIndex(where: {
                $0.isNews && $0.message.isChange && $0.message.group == message.group
                    && $0.message.item == message.item
            })
        else { return }
        // A copy for another subscription of the same socket is none that it replaces.
        guard waiting[place].message !== message else { return }
        release(waiting.remove(at: place))
    }

    private func release(_ entry: Waiting) {
        switch entry.kind {
        case .news: news.remove(entry.bytes)
        case .answer: answers.remove(entry.bytes)
        case .replayed: break
        }
    }

    private func forget() {
        waiting.removeAll()
        news = Amount()
        answers = Amount()
    }

    private func dropOldest() {
        guard let place = waiting.firstIndex(where: { $0.isNews }) else { return }
        let entry = waiting.remove(at: place)
        release(entry)
        let message = entry.message
        let before = dropped[message.group]
        dropped[message.group] = (
            (before?.count ?? 0) + 1, before?.first ?? message.offset?.rawValue
        )
    }

    /// The peer takes again what it is sent.
    func writable() {
        while isWritable, let (group, loss) = dropped.popFirst() {
            write(Broadcast([Self.notice(of: loss, in: group)], isEvents: wantsEvents).all)
            flush()
        }
        while isWritable, dropped.isEmpty, let entry = waiting.popFirst() {
            release(entry)
            // Its subscription may have been left since.
            guard !entry.isCancelled else { continue }
            write(entry.bytes)
            flush()
        }
        guard isWritable, waiting.isEmpty, !caughtUp.isEmpty else { return }
        let callbacks = caughtUp
        caughtUp = []
        for (_, done) in callbacks { done(true) }
    }

    /// Tells what is missing, and behind which offset a new join would find it.
    private static func notice(
        of loss: (count: Int, first: UInt64?),
        in group: StreamGroup
    ) -> StreamMessage {
        let before = loss.first.flatMap { $0 > 0 ? Offset($0 - 1) : nil }
        return StreamMessage(
            StreamEnvelope(
                group: group,
                item: nil,
                time: SystemClock().now().wall,
                offset: nil,
                content: .dropped(count: loss.count, after: before)
            )
        )
    }

    func close(code: UInt16, reason: String) {
        switch transport {
        case .none: break
        case .webSocket(let socket): socket.close(code: code, reason: reason)
        case .events(let socket): socket.close()
        }
    }
}
