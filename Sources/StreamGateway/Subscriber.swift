import DequeModule
import Engine
import JSON
import NIOCore
import NetServer
import Primitives
import Stream

/// A socket that is sent what it subscribed to, as fast as it takes it.
///
/// What it does not take waits here, bounded: messages that many wait for are in memory once. What
/// finds no room meets the policy for slow subscribers, and nobody else notices.
final class Subscriber {
    private enum Transport {
        case none
        case webSocket(WebSocketSocket)
        case events(EventStreamSocket)
    }

    let id: SubscriberID
    var subscriptions: [String: LocalGroup.Subscription] = [:]
    /// Whether it has unflushed messages; the gateway's.
    var isTouched = false
    private(set) var wantsEvents = false
    private var transport = Transport.none
    private let gateway: StreamGateway
    private var waiting: Deque<Waiting> = []
    /// How many of those can be dropped, and their bytes.
    private var bound = (count: 0, bytes: 0)
    /// Called when nothing waits any more.
    private var caughtUp: [@Sendable (Bool) -> Void] = []
    /// What it was not told, by group.
    private var dropped: [StreamGroup: (count: Int, first: UInt64?)] = [:]

    private struct Waiting {
        let message: StreamMessage
        let bytes: ByteBuffer
        /// It was read for this subscriber alone, which is not given more before it took it.
        var isReplayed = false
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
        for done in caughtUp { done(false) }
        caughtUp = []
    }

    func ask(_ command: StreamCommand, bytes: Int) { gateway.collect(command, bytes: bytes) }

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

    func flush() {
        switch transport {
        case .none: break
        case .webSocket(let socket): socket.flush()
        case .events(let socket): socket.flush()
        }
    }

    func take(_ parcel: Parcel) {
        if waiting.isEmpty, dropped.isEmpty, isWritable { return write(parcel.bytes) }
        for (message, bytes) in parcel.messages {
            if gateway.settings.slow == .coalesce { supersede(by: message) }
            waiting.append(Waiting(message: message, bytes: bytes))
            bound.count += 1
            bound.bytes += bytes.readableBytes
            guard isOverfull else { continue }
            if gateway.settings.slow == .disconnect {
                forget()
                return close(code: 1013, reason: "too slow: more messages wait than are kept")
            }
            while isOverfull { dropOldest() }
        }
    }

    /// Takes what was read for it alone, a piece at a time, however long that takes; `done` is
    /// called when the peer has taken it.
    func catchUp(_ parcel: Parcel?, done: @escaping @Sendable (Bool) -> Void) {
        for (message, bytes) in parcel?.messages ?? [] {
            waiting.append(Waiting(message: message, bytes: bytes, isReplayed: true))
        }
        caughtUp.append(done)
        writable()
    }

    /// One message may be of any size.
    private var isOverfull: Bool {
        bound.count > Limits.streamWaiting
            || bound.count > 1 && bound.bytes > Limits.streamWaitingBytes
    }

    private func supersede(by message: StreamMessage) {
        guard message.isChange,
            let place = waiting.firstIndex(where: {
                !$0.isReplayed && $0.message.isChange && $0.message.group == message.group
                    && $0.message.item == message.item
            })
        else { return }
        // A copy for another subscription of the same socket is none that it replaces.
        guard waiting[place].message !== message else { return }
        release(waiting.remove(at: place))
    }

    private func release(_ entry: Waiting) {
        guard !entry.isReplayed else { return }
        bound.count -= 1
        bound.bytes -= entry.bytes.readableBytes
    }

    private func forget() {
        waiting.removeAll()
        bound = (0, 0)
    }

    private func dropOldest() {
        guard let place = waiting.firstIndex(where: { !$0.isReplayed }) else { return }
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
            write(Fan([Self.notice(of: loss, in: group)], isEvents: wantsEvents).all.bytes)
            flush()
        }
        while isWritable, dropped.isEmpty, let entry = waiting.popFirst() {
            release(entry)
            write(entry.bytes)
            flush()
        }
        guard isWritable, waiting.isEmpty, !caughtUp.isEmpty else { return }
        let callbacks = caughtUp
        caughtUp = []
        for done in callbacks { done(true) }
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
