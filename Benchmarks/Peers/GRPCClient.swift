/// One method of a gRPC server, called again and again over HTTP/2 without TLS (RFC 9113), as far
/// as that needs it: one call at a time, small messages, nothing read of what headers say. A call
/// that failed is seen by the message that it lacks.
final class GRPCClient {
    /// Looks at a response's message.
    typealias Check = (UnsafeRawBufferPointer) throws(Failure) -> Void

    private let link: Link
    private let headers: [UInt8]
    private let check: Check
    private var stream: UInt32 = 1
    private var isAnswered = false

    private enum Frame {
        static let data: UInt8 = 0
        static let headers: UInt8 = 1
        static let reset: UInt8 = 3
        static let settings: UInt8 = 4
        static let ping: UInt8 = 6
        static let goAway: UInt8 = 7
        static let windowUpdate: UInt8 = 8
        static let endStream: UInt8 = 1
        static let acknowledged: UInt8 = 1
        static let endHeaders: UInt8 = 4
        static let headBytes = 9
    }

    init(_ link: Link, method: String, check: @escaping Check) {
        self.link = link
        self.check = check
        headers = Self.headers(method, authority: link.peer)
        link.output.append("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        // Windows as large as they get, so that nothing waits for one: INITIAL_WINDOW_SIZE of
        // streams, and what the connection has beyond its 65,535.
        var settings: [UInt8] = [0, 4]
        settings.append(bigEndian: UInt32(Int32.max))
        send(Frame.settings, settings)
        var window: [UInt8] = []
        window.append(bigEndian: UInt32(Int32.max) - 65_535)
        send(Frame.windowUpdate, window)
    }

    /// HPACK (RFC 7541) without its dynamic table and without Huffman's code: entries of the static
    /// table, and literals that are not indexed.
    private static func headers(_ path: String, authority: String) -> [UInt8] {
        func text(_ value: String) -> [UInt8] {
            precondition(value.utf8.count < 127)
            return [UInt8(value.utf8.count)] + Array(value.utf8)
        }
        // ":method: POST" and ":scheme: http".
        return [0x83, 0x86] + [0x04] + text(path) + [0x01] + text(authority)
            + [0x0F, 31 - 15] + text("application/grpc") + [0x00] + text("te") + text("trailers")
    }

    func call(_ message: [UInt8]) {
        isAnswered = false
        send(Frame.headers, headers, flags: Frame.endHeaders, on: stream)
        var body: [UInt8] = [0]
        body.append(bigEndian: UInt32(message.count))
        send(Frame.data, body + message, flags: Frame.endStream, on: stream)
    }

    private func send(_ type: UInt8, _ payload: [UInt8], flags: UInt8 = 0, on stream: UInt32 = 0) {
        var frame: [UInt8] = []
        frame.append(bigEndian: UInt32(payload.count) << 8 | UInt32(type))
        frame.append(flags)
        frame.append(bigEndian: stream)
        link.output.append(frame + payload)
    }

    /// Deals with the frame at the beginning of what arrived; nil while it is not whole.
    func take(_ bytes: UnsafeRawBufferPointer) throws(Failure) -> Answer? {
        guard bytes.count >= Frame.headBytes else { return nil }
        let head = bytes.bigEndian(at: 0, as: UInt32.self)
        let extent = Frame.headBytes + Int(head >> 8)
        guard bytes.count >= extent else { return nil }
        let payload = UnsafeRawBufferPointer(rebasing: bytes[Frame.headBytes..<extent])
        let flags = bytes[4]
        switch UInt8(head & 0xff) {
        case Frame.data:
            guard payload.count >= 5, payload[0] == 0,
                payload.bigEndian(at: 1, as: UInt32.self) == payload.count - 5
            else { throw Failure("a message in several frames, or compressed") }
            try check(UnsafeRawBufferPointer(rebasing: payload[5...]))
            isAnswered = true
        case Frame.headers where flags & Frame.endStream != 0:
            guard isAnswered else { throw Failure("\(link.peer) refused a call") }
            stream += 2
            return Answer(extent: extent)
        case Frame.settings where flags & Frame.acknowledged == 0:
            send(Frame.settings, [], flags: Frame.acknowledged)
        case Frame.ping where flags & Frame.acknowledged == 0:
            send(Frame.ping, Array(payload), flags: Frame.acknowledged)
        case Frame.reset, Frame.goAway:
            throw Failure("\(link.peer) ended a call: \(Array(payload))")
        default: break
        }
        return Answer(extent: extent, requests: 0)
    }
}

/// A message of protobuf, as far as single fields are read.
struct Protobuf {
    private let bytes: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    func integer(_ field: UInt64) -> UInt64? {
        var found: UInt64?
        read { number, value, _ in if number == field { found = value } }
        return found
    }

    func bytes(_ field: UInt64) -> UnsafeRawBufferPointer? {
        var found: UnsafeRawBufferPointer?
        read { number, _, range in
            if number == field, let range { found = UnsafeRawBufferPointer(rebasing: bytes[range]) }
        }
        return found
    }

    /// Hands over each field with its integer, or with where its bytes are; what it cannot read
    /// ends it.
    private func read(_ visit: (UInt64, UInt64?, Range<Int>?) -> Void) {
        var place = 0
        while let key = variable(&place) {
            guard let value = variable(&place) else { return }
            switch key & 7 {
            case 0: visit(key >> 3, value, nil)
            case 2:
                guard value <= UInt64(bytes.count - place) else { return }
                let end = place + Int(value)
                visit(key >> 3, nil, place..<end)
                place = end
            default: return
            }
        }
    }

    private func variable(_ place: inout Int) -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while place < bytes.count, shift < 64 {
            let byte = bytes[place]
            place += 1
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        return nil
    }
}

extension [UInt8] {
    fileprivate mutating func append(variable value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(rest & 0x7f) | 0x80)
            rest >>= 7
        }
        append(UInt8(rest))
    }

    /// Appends a field of protobuf that is an integer.
    mutating func append(protobuf field: UInt64, _ value: UInt64) {
        append(variable: field << 3)
        append(variable: value)
    }

    /// Appends a field of protobuf that is bytes, or a message.
    mutating func append(protobuf field: UInt64, _ value: [UInt8]) {
        append(variable: field << 3 | 2)
        append(variable: UInt64(value.count))
        append(contentsOf: value)
    }
}
