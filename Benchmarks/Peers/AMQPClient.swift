/// AMQP 0-9-1, as far as publishing to a quorum queue with confirms needs it: one channel.
final class AMQPClient {
    private let link: Link
    private let reactor: Reactor
    /// Everything up to this delivery tag is confirmed.
    private var confirmed: UInt64 = 0
    /// What is confirmed above it.
    private var ahead: Set<UInt64> = []

    private static let frameEnd: UInt8 = 0xce
    private static let overhead = 8

    /// A method: its class and its number there.
    private struct Method: Equatable {
        let group: UInt16
        let number: UInt16

        static let start = Method(group: 10, number: 10)
        static let startOK = Method(group: 10, number: 11)
        static let tune = Method(group: 10, number: 30)
        static let tuneOK = Method(group: 10, number: 31)
        static let open = Method(group: 10, number: 40)
        static let openOK = Method(group: 10, number: 41)
        static let close = Method(group: 10, number: 50)
        static let channelOpen = Method(group: 20, number: 10)
        static let channelOpenOK = Method(group: 20, number: 11)
        static let channelClose = Method(group: 20, number: 40)
        static let declare = Method(group: 50, number: 10)
        static let declareOK = Method(group: 50, number: 11)
        static let publish = Method(group: 60, number: 40)
        static let acknowledge = Method(group: 60, number: 80)
        static let refuse = Method(group: 60, number: 120)
        static let select = Method(group: 85, number: 10)
        static let selectOK = Method(group: 85, number: 11)
    }

    /// Opens a connection and a channel that confirms what it is sent.
    init(_ link: Link, on reactor: Reactor) throws(Failure) {
        self.link = link
        self.reactor = reactor
        _ = try ask(Array("AMQP".utf8) + [0, 0, 9, 1], for: .start)
        var answer = [UInt8]()
        answer.append(bigEndian: UInt32(0))
        answer.append(short: "PLAIN")
        answer.append(long: "\0guest\0guest")
        answer.append(short: "en_US")
        let tune = try ask(Self.frame(.startOK, answer, channel: 0), for: .tune)
        guard tune.count >= 8 else { throw Failure("RabbitMQ: a tune of \(tune.count) bytes") }
        // Its limits, and no heartbeat.
        let tuned = Self.frame(.tuneOK, Array(tune[..<6]) + [0, 0], channel: 0)
        let vhost: [UInt8] = [1, UInt8(ascii: "/"), 0, 0]
        _ = try ask(tuned + Self.frame(.open, vhost, channel: 0), for: .openOK)
        _ = try ask(Self.frame(.channelOpen, [0]), for: .channelOpenOK)
        _ = try ask(Self.frame(.select, [0]), for: .selectOK)
    }

    func declareQuorumQueue(_ name: String) throws(Failure) {
        var table = [UInt8]()
        table.append(short: "x-queue-type")
        table.append(UInt8(ascii: "S"))
        table.append(long: "quorum")
        var arguments: [UInt8] = [0, 0]
        arguments.append(short: name)
        let durable: UInt8 = 2
        arguments.append(durable)
        arguments.append(bigEndian: UInt32(table.count))
        _ = try ask(Self.frame(.declare, arguments + table), for: .declareOK)
    }

    /// Publishing 256 bytes, persistent, to a queue.
    func publishing(to queue: String) -> Dialogue {
        var arguments: [UInt8] = [0, 0, 0]
        arguments.append(short: queue)
        arguments.append(0)
        let size = 256
        var header = [UInt8]()
        header.append(bigEndian: UInt16(60))
        header.append(bigEndian: UInt16(0))
        header.append(bigEndian: UInt64(size))
        // Of all properties the delivery mode, and that is 2: persistent.
        header.append(bigEndian: UInt16(1 << 12))
        header.append(2)
        let body = [UInt8](repeating: UInt8(ascii: "x"), count: size)
        let request =
            Self.frame(.publish, arguments) + Self.frame(type: 2, header)
            + Self.frame(type: 3, body)
        return Dialogue(request: request) { [self] (bytes) throws(Failure) in
            guard let (method, arguments, extent) = try Self.method(bytes) else { return nil }
            guard method == .acknowledge, arguments.count >= 9 else {
                return Answer(extent: extent, requests: 0)
            }
            let tag = arguments.bigEndian(at: 0, as: UInt64.self)
            let requests = confirm(tag, andAllBefore: arguments[8] & 1 == 1)
            return Answer(extent: extent, requests: requests)
        }
    }

    /// - Returns: how many were not confirmed before.
    private func confirm(_ tag: UInt64, andAllBefore: Bool) -> Int {
        var count = 0
        if andAllBefore {
            while confirmed < tag {
                confirmed += 1
                if ahead.remove(confirmed) == nil { count += 1 }
            }
        } else if tag > confirmed, ahead.insert(tag).inserted {
            count = 1
        }
        while ahead.remove(confirmed + 1) != nil { confirmed += 1 }
        return count
    }

    /// Sends frames and waits for a method.
    ///
    /// - Returns: its arguments.
    private func ask(_ frames: [UInt8], for wanted: Method) throws(Failure) -> [UInt8] {
        try reactor.exchange(frames, on: link, what: "answer of RabbitMQ") {
            (bytes) throws(Failure) -> Reactor.Step<[UInt8]> in
            guard let (method, arguments, extent) = try Self.method(bytes) else {
                return .notWhole
            }
            return method == wanted ? .done(Array(arguments), extent) : .skip(extent)
        }
    }

    /// The method of the frame at the beginning, nil for a frame without one; nil while it is not
    /// whole.
    private static func method(
        _ bytes: UnsafeRawBufferPointer
    ) throws(Failure) -> (Method?, arguments: UnsafeRawBufferPointer, extent: Int)? {
        guard bytes.count >= overhead else { return nil }
        guard bytes[0] != UInt8(ascii: "A") else { throw Failure("RabbitMQ speaks another AMQP") }
        let size = Int(bytes.bigEndian(at: 3, as: UInt32.self))
        let extent = size + overhead
        guard bytes.count >= extent else { return nil }
        guard bytes[extent - 1] == frameEnd else { throw Failure("RabbitMQ: a broken frame") }
        guard bytes[0] == 1, size >= 4 else {
            return (nil, UnsafeRawBufferPointer(start: nil, count: 0), extent)
        }
        let method = Method(
            group: bytes.bigEndian(at: 7, as: UInt16.self),
            number: bytes.bigEndian(at: 9, as: UInt16.self)
        )
        if method == .close || method == .channelClose || method == .refuse {
            throw Failure("RabbitMQ refused: \(bytes.text(14..<(extent - 1)))")
        }
        return (method, UnsafeRawBufferPointer(rebasing: bytes[11..<(extent - 1)]), extent)
    }

    private static func frame(
        _ method: Method,
        _ arguments: [UInt8],
        channel: UInt16 = 1
    ) -> [UInt8] {
        var payload = [UInt8]()
        payload.append(bigEndian: method.group)
        payload.append(bigEndian: method.number)
        return frame(type: 1, payload + arguments, channel: channel)
    }

    private static func frame(type: UInt8, _ payload: [UInt8], channel: UInt16 = 1) -> [UInt8] {
        var frame = [type]
        frame.append(bigEndian: channel)
        frame.append(bigEndian: UInt32(payload.count))
        return frame + payload + [frameEnd]
    }
}

extension [UInt8] {
    /// Appends a text with its length in one byte.
    fileprivate mutating func append(short text: String) {
        append(UInt8(text.utf8.count))
        append(contentsOf: text.utf8)
    }

    /// Appends a text with its length in four bytes.
    fileprivate mutating func append(long text: String) {
        append(bigEndian: UInt32(text.utf8.count))
        append(contentsOf: text.utf8)
    }
}
