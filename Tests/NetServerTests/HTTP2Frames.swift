/// A frame of HTTP/2 (RFC 9113, 4.1), as it goes over the wire either way.
struct WireFrame: Equatable {
    enum Kind: UInt8 {
        case data, headers, priority, reset, settings, promise, ping, goodbye, window
    }

    /// That nothing follows on the stream; of a PING, that it is an answer.
    static let last: UInt8 = 0x1
    private static let wholeHead: UInt8 = 0x4

    /// Nil: one that these tests do not know.
    var kind: Kind?
    var flags: UInt8 = 0
    /// 0: the connection.
    var stream: UInt8 = 0
    var payload: [UInt8] = []

    var isLast: Bool { flags & Self.last != 0 }

    /// Of a frame that lets more come.
    var grant: Int { payload.reduce(0) { $0 << 8 | Int($1) } }

    var bytes: [UInt8] {
        var bytes = [16, 8, 0].map { UInt8(truncatingIfNeeded: payload.count >> $0) }
        bytes += [kind?.rawValue ?? UInt8.max, flags, 0, 0, 0, stream]
        return bytes + payload
    }

    /// Takes one whole frame from the front of `bytes`.
    static func take(from bytes: inout ArraySlice<UInt8>) -> WireFrame? {
        let head = Array(bytes.prefix(9))
        guard head.count == 9 else { return nil }
        let length = head[..<3].reduce(0) { $0 << 8 | Int($1) }
        guard bytes.count >= 9 + length else { return nil }
        let frame = WireFrame(
            kind: Kind(rawValue: head[3]),
            flags: head[4],
            stream: head[8],
            payload: Array(bytes.dropFirst(9).prefix(length))
        )
        bytes = bytes.dropFirst(9 + length)
        return frame
    }

    // MARK: What servers send

    /// Why a stream ends before its time (RFC 9113, 7).
    enum Reason: UInt8 {
        case none = 0
        case cancel = 8
    }

    static func reset(_ reason: Reason, _ stream: UInt8) -> WireFrame {
        WireFrame(kind: .reset, stream: stream, payload: [0, 0, 0, reason.rawValue])
    }

    // MARK: What clients send

    /// What a connection begins with.
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    /// Asks for `http://h/`.
    static func get(_ stream: UInt8) -> WireFrame {
        WireFrame(kind: .headers, flags: last | wholeHead, stream: stream, payload: head(0x82))
    }

    /// The head of a request to `http://h/` whose body follows.
    static func post(_ stream: UInt8) -> WireFrame {
        WireFrame(kind: .headers, flags: wholeHead, stream: stream, payload: head(0x83))
    }

    /// The head of a request, each field a literal that no table keeps (RFC 7541, 6.2.2).
    static func head(
        _ stream: UInt8,
        _ fields: [(name: String, value: String)],
        isWhole: Bool = true
    ) -> WireFrame {
        let payload = fields.flatMap { field -> [UInt8] in
            [0] + text(field.name) + text(field.value)
        }
        let flags = wholeHead | (isWhole ? last : 0)
        return WireFrame(kind: .headers, flags: flags, stream: stream, payload: payload)
    }

    private static func text(_ text: String) -> [UInt8] {
        length(text.utf8.count) + Array(text.utf8)
    }

    /// In seven bits, or behind them (RFC 7541, 5.1).
    private static func length(_ count: Int) -> [UInt8] {
        guard count >= 127 else { return [UInt8(count)] }
        var bytes: [UInt8] = [127]
        var rest = count - 127
        while rest >= 128 {
            bytes.append(UInt8(128 + rest % 128))
            rest /= 128
        }
        return bytes + [UInt8(rest)]
    }

    /// Method, scheme and path are in HPACK's table (RFC 7541, A); the authority is a literal.
    private static func head(_ method: UInt8) -> [UInt8] {
        [method, 0x86, 0x84, 0x41, 1, UInt8(ascii: "h")]
    }

    /// Lets so many bytes more come.
    static func grant(_ count: Int, on stream: UInt8) -> WireFrame {
        let payload = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) }
        return WireFrame(kind: .window, stream: stream, payload: payload)
    }
}
