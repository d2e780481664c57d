import NIOCore
import NIOHTTP1

/// Refuses request lines whose parts are not one space apart (RFC 9112, section 3): the parser
/// behind it takes any number of them, and another server on the way may take one for the end of
/// the target. Two readings of one line is what request smuggling lives on.
///
/// It follows the framing of messages only as far as it must to know where a request line begins.
/// Messages that could be framed in two ways the connection refuses itself, and closes.
final class RequestLineCheck: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private var framing = RequestFraming()
    private var isRefusing = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isRefusing else { return }
        var bytes = unwrapInboundIn(data)
        guard let place = bytes.withUnsafeReadableBytes({ framing.firstDefect(in: $0) }) else {
            return context.fireChannelRead(data)
        }
        isRefusing = true
        // What comes before it is answered before the refusal is.
        if let sound = bytes.readSlice(length: place), sound.readableBytes > 0 {
            context.fireChannelRead(wrapInboundOut(sound))
        }
        context.fireErrorCaught(HTTPParserError.invalidURL)
    }
}

/// Where the requests of a connection begin.
struct RequestFraming {
    fileprivate enum State {
        /// In a request line; `isSpace`: the last byte was one.
        case line(isSpace: Bool, isEmpty: Bool)
        case header
        case body(left: UInt64)
        case chunkSize
        case chunk(left: UInt64)
        case trailer
        /// Nothing more is looked at.
        case unknown
    }

    private var state = State.line(isSpace: false, isEmpty: true)
    /// The begin of a line, as far as it tells how long a body is.
    private var line: [UInt8] = []
    private var length: UInt64 = 0
    private var isChunked = false

    private static let lineBytes = 64

    /// Follows the bytes of one read.
    ///
    /// - Returns: where a request line is wrong; nil: none is.
    mutating func firstDefect(in bytes: UnsafeRawBufferPointer) -> Int? {
        var place = 0
        while place < bytes.count {
            switch state {
            case .line:
                if isDefect(bytes[place]) { return place }
                place += 1
            case .header, .chunkSize, .trailer:
                place = takeLine(bytes, from: place)
            case .body(let left): place = skip(left, bytes, place) { .body(left: $0) }
            case .chunk(let left): place = skip(left, bytes, place) { .chunk(left: $0) }
            case .unknown: return nil
            }
        }
        return nil
    }

    private mutating func isDefect(_ byte: UInt8) -> Bool {
        guard case .line(let isSpace, let isEmpty) = state else { return false }
        switch byte {
        case UInt8(ascii: " "):
            // Neither two together, nor one in front.
            if isSpace || isEmpty { return true }
            state = .line(isSpace: true, isEmpty: false)
        case UInt8(ascii: "\r"): break
        case UInt8(ascii: "\n"):
            // An empty line in front of a request means nothing.
            if isEmpty { return false }
            (length, isChunked) = (0, false)
            line.removeAll(keepingCapacity: true)
            state = .header
        default: state = .line(isSpace: false, isEmpty: false)
        }
        return false
    }

    private mutating func takeLine(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
        let end = rest.firstIndex(of: UInt8(ascii: "\n"))
        let part = rest[..<(end ?? rest.count)]
        line += part.prefix(Self.lineBytes - line.count)
        guard let end else { return bytes.count }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        endLine()
        line.removeAll(keepingCapacity: true)
        return start + end + 1
    }

    private mutating func endLine() {
        switch state {
        case .header where line.isEmpty:
            state = isChunked ? .chunkSize : length > 0 ? .body(left: length) : .begin
        case .header: takeHeader()
        case .chunkSize:
            let digits = line.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") }
            guard let size = UInt64(String(decoding: digits, as: UTF8.self), radix: 16) else {
                state = .unknown
                return
            }
            // The end of the line behind a chunk is part of it here.
            state = size == 0 ? .trailer : .chunk(left: size &+ 2)
        case .trailer where line.isEmpty: state = .begin
        default: break
        }
    }

    private mutating func takeHeader() {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return }
        let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
        switch name {
        case "transfer-encoding": isChunked = true
        case "content-length":
            let digits = line[(colon + 1)...].filter { $0 != UInt8(ascii: " ") && $0 != 9 }
            length = UInt64(String(decoding: digits, as: UTF8.self)) ?? 0
        default: break
        }
    }

    private mutating func skip(
        _ left: UInt64,
        _ bytes: UnsafeRawBufferPointer,
        _ place: Int,
        _ rest: (UInt64) -> State
    ) -> Int {
        let taken = min(left, UInt64(bytes.count - place))
        if taken < left {
            state = rest(left - taken)
        } else if case .chunk = state {
            state = .chunkSize
        } else {
            state = .begin
        }
        return place + Int(taken)
    }
}

extension RequestFraming.State {
    fileprivate static var begin: Self { .line(isSpace: false, isEmpty: true) }
}
