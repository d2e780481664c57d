import JSON
import NIOCore
import NIOPosix
import NIOWebSocket
import Primitives

/// What a subscriber of a stream is told.
public struct StreamNews: Sendable {
    /// `sync`, `create`, `update`, `delete` or `event`; of those that came back also `resumed` and
    /// `gap`, and `dropped` for those that were too slow.
    public let type: String
    /// The item that it is about; nil: none.
    public let item: String?
    /// Whoever names it when it comes back is told what came behind it; nil: as before.
    public let offset: UInt64?
    /// What ``type`` brings.
    public let data: RawJSON?
    /// The whole message.
    public let message: RawJSON

    init?(_ text: String) {
        guard let json = try? JSONText(validating: Array(text.utf8)),
            let event = json.member("event"), let type = event.member("type")?.stringValue
        else { return nil }
        self.type = type
        item = json.member("id")?.stringValue
        offset = json.member("offset").flatMap { UInt64($0.description) }
        data = (event.member("data") ?? event.member("event")).map { RawJSON($0) }
        message = RawJSON(json)
    }
}

/// Subscribes to a group of a stream, or to one of its items.
///
/// A connection that breaks off is made again, and goes on behind the last message: nothing is
/// missed, and nothing comes twice, as long as the engine's log holds it (else a `gap` says so).
public struct StreamListener: Sendable {
    private let address: EngineAddress
    private let headers: [(name: String, value: String)]
    private let stream: String
    private let group: String
    private let item: String?

    /// Nothing is connected yet.
    ///
    /// - Parameters:
    ///   - stream: its name.
    ///   - group: of the stream.
    ///   - item: nil: the whole group.
    ///   - address: where the engine serves streams; nil: `III_STREAM_URL`, else
    ///     `ws://127.0.0.1:3112`.
    ///   - token: what the engine asks of peers beyond its own machine; nil: `III_TOKEN`.
    /// - Throws: ``SDKError/Code/invalidAddress``.
    public init(
        _ stream: String,
        _ group: String,
        item: String? = nil,
        address: String? = nil,
        token: String? = nil
    ) throws(SDKError) {
        self.address = try EngineAddress(
            address ?? ProcessFacts.environment("III_STREAM_URL") ?? "ws://127.0.0.1:3112"
        )
        let token = token ?? ProcessFacts.environment("III_TOKEN")
        headers = token.map { [("Authorization", "Bearer \($0)")] } ?? []
        self.stream = stream
        self.group = group
        self.item = item
    }

    /// Calls `body` with everything that comes, until it answers false, throws, or the task is
    /// cancelled.
    ///
    /// - Parameters:
    ///   - start: what the listener has heard of before; nil: it begins with a `sync`.
    ///   - body: answers whether to go on.
    /// - Throws: ``SDKError/Code/cannotConnect`` where the first connection cannot be made,
    ///   ``SDKError/Code/unauthorized`` where the engine does not let this listener in,
    ///   ``SDKError/Code/payloadTooLarge`` where a message has more than 64 MiB, such as the `sync`
    ///   of a large group, and what `body` throws.
    public func listen(
        after start: UInt64? = nil,
        _ body: (StreamNews) async throws -> Bool
    ) async throws {
        var last = start
        var hasConnected = false
        var pause = Duration.milliseconds(100)
        while !Task.isCancelled {
            do throws(Interruption) {
                try await connect(after: last) { news throws(Interruption) in
                    hasConnected = true
                    pause = Duration.milliseconds(100)
                    last = news.offset ?? last
                    do {
                        return try await body(news)
                    } catch {
                        throw .byListener(error)
                    }
                }
                return
            } catch {
                switch error {
                case .byListener(let error): throw error
                case .connection(let error):
                    if [.unauthorized, .payloadTooLarge].contains(error.code) { throw error }
                    guard hasConnected, error.code != .cannotConnect else {
                        throw SDKError(code: .cannotConnect, message: error.message)
                    }
                }
            }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, Duration.seconds(5))
        }
    }

    /// How long an answer to a join is waited for: a function may be asked about the connection,
    /// and another one about the join.
    private static let patience = TimeAmount.seconds(45)

    private enum Interruption: Error {
        case byListener(any Error)
        case connection(SDKError)
    }

    /// - Returns: when `body` answered false.
    private func connect(
        after last: UInt64?,
        _ body: (StreamNews) async throws(Interruption) -> Bool
    ) async throws(Interruption) {
        let connection = try await open()
        do {
            let channel = connection.channel
            let outgoing = ChannelConnection.Outgoing(channel: channel)
            let patience = channel.eventLoop.scheduleTask(in: Self.patience) {
                channel.close(promise: nil)
            }
            defer { patience.cancel() }
            try await connection.executeThenClose { incoming in
                var hasAnswer = false
                try await outgoing.write(.message(.text(join(after: last))))
                for try await message in incoming {
                    patience.cancel()
                    hasAnswer = true
                    guard case .text(let text) = message, let news = StreamNews(text) else {
                        continue
                    }
                    if news.type == "unauthorized" {
                        throw Interruption.byListener(
                            SDKError(
                                code: .unauthorized,
                                message: "the engine does not let this listener join "
                                    + "\(group) of stream \(stream)"
                            )
                        )
                    }
                    guard try await body(news) else { return }
                }
                let silence = "nobody has answered the join, as an engine does"
                throw SDKError(
                    code: .connectionLost,
                    message: hasAnswer ? "the connection ended" : silence
                )
            }
        } catch let error as Interruption {
            throw error
        } catch let error as SDKError {
            throw .connection(error)
        } catch NIOWebSocketError.invalidFrameLength {
            throw .connection(
                SDKError(
                    code: .payloadTooLarge,
                    message: "what \(group) of stream \(stream) tells at once, such as all that it "
                        + "holds, has more than \(Limits.messageBytes >> 20) MiB; listen to single "
                        + "items, or behind an offset"
                )
            )
        } catch is CancellationError {
            throw .byListener(SDKError(code: .cancelled, message: "the task was cancelled"))
        } catch {
            let reason = Dialer.words(for: error)
            throw .connection(SDKError(code: .connectionLost, message: reason))
        }
    }

    private func open() async throws(Interruption) -> ChannelConnection.Wrapped {
        do {
            return try await Dialer.open(
                address.target,
                at: address,
                headers: headers,
                on: MultiThreadedEventLoopGroup.singleton.any()
            ) { channel in
                try channel.pipeline.syncOperations.addHandler(ChannelFrames())
                return try ChannelConnection.Wrapped(wrappingChannelSynchronously: channel)
            }.get()
        } catch {
            var failure = Dialer.failure(error, "cannot listen to streams at \(address)")
            // Nobody refused it: it may be there again by the next attempt.
            if !(error is Dialer.Refusal) { failure.code = .connectionLost }
            throw .connection(failure)
        }
    }

    private func join(after last: UInt64?) -> String {
        var json = JSONBuilder()
        json.beginObject()
        json.key("type")
        json.string("join")
        json.key("data")
        json.beginObject()
        json.key("subscriptionId")
        json.string("listener")
        json.key("streamName")
        json.string(stream)
        json.key("groupId")
        json.string(group)
        if let item {
            json.key("id")
            json.string(item)
        }
        if let last {
            json.key("after")
            json.integer(last)
        }
        json.endObject()
        json.endObject()
        return json.finish().description
    }
}
