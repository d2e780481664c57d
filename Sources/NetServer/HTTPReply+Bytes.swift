import NIOCore
import NIOHTTP1
import Primitives

extension HTTPReply {
    /// What the reply depends on besides itself.
    struct Circumstances {
        /// A reply to HEAD has the headers of the body, but not the body.
        var isHead = false
        var isHTTP10 = false
        var keepsAlive = true
        /// The body follows in pieces: each chunk says its length, and for HTTP/1.0, which knows no
        /// chunks, the end of the connection is the end of the body.
        var isStreamed = false
        /// The value of the `Date` header.
        var date: String
    }

    /// The reply as it goes over the wire (RFC 9112).
    func bytes(_ circumstances: Circumstances) -> ByteBuffer {
        let hasBody = mayHaveBody
        let body = content
        let sent = headers.filter { Self.isSent($0.name, $0.value) }
        let room =
            256 + Self.room(sent) + Self.room(vouched) + body.count
        var buffer = ByteBuffer()
        buffer.reserveCapacity(room)
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { memory in
            var writer = ReplyWriter(memory)
            writer.status(sentStatus)
            for (name, value) in sent { writer.header(name, value) }
            for (name, value) in vouched { writer.header(name, value) }
            if !sent.contains(where: { Self.isDate($0.name) }) {
                writer.header("date", circumstances.date)
            }
            if hasBody, !circumstances.isStreamed {
                writer.header("content-length", String(body.count))
            } else if hasBody, !circumstances.isHTTP10 {
                writer.header("transfer-encoding", "chunked")
            }
            if !circumstances.keepsAlive {
                writer.header("connection", "close")
            } else if circumstances.isHTTP10 {
                writer.header("connection", "keep-alive")
            }
            writer.write("\r\n")
            if !circumstances.isHead { writer.write(body) }
            return writer.count
        }
        return buffer
    }

    /// Bytes that these take.
    private static func room(_ headers: [(name: String, value: String)]) -> Int {
        headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
    }

    /// The head of the reply for HTTP/2, which says of the connection nothing.
    func head(_ circumstances: Circumstances) -> HTTPResponseHead {
        var fields = HTTPHeaders()
        fields.reserveCapacity(headers.count + vouched.count + 2)
        for (name, value) in headers where Self.isSent(name, value) {
            fields.add(name: name.lowercased(), value: value)
        }
        for (name, value) in vouched { fields.add(name: name, value: value) }
        if !fields.contains(name: "date") { fields.add(name: "date", value: circumstances.date) }
        if mayHaveBody, !circumstances.isStreamed {
            fields.add(name: "content-length", value: String(content.count))
        }
        return HTTPResponseHead(
            version: HTTPVersion(major: 2, minor: 0),
            status: HTTPResponseStatus(statusCode: sentStatus),
            headers: fields
        )
    }

    private var sentStatus: Int { (200...999).contains(status) ? status : 500 }

    /// RFC 9110, 15.3.5 and 15.4.5.
    var mayHaveBody: Bool { sentStatus != 204 && sentStatus != 304 }

    /// A body that may be there may have to be empty (RFC 9110, 15.3.6).
    var mayHaveContent: Bool { mayHaveBody && sentStatus != 205 }

    /// What is sent of the body.
    var content: [UInt8] { mayHaveContent ? body : [] }

    /// Whether a service's header goes out: it is one, and none of the connection's own.
    private static func isSent(_ name: String, _ value: String) -> Bool {
        isToken(name) && value.isFieldValue && !isReserved(name)
    }

    /// Whether a header is the connection's business rather than the service's.
    private static func isReserved(_ name: String) -> Bool {
        switch name.utf8.count {
        case 2, 7, 10, 14, 16, 17: break
        default: return false
        }
        switch name.lowercased() {
        case "connection", "content-length", "transfer-encoding", "keep-alive", "upgrade",
            "trailer", "te", "proxy-connection":
            return true
        default: return false
        }
    }

    private static func isDate(_ name: String) -> Bool {
        name.utf8.count == 4 && name.lowercased() == "date"
    }

    /// RFC 9110, 5.6.2.
    static func isToken(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy(HeadReader.isToken)
    }
}

/// Writes a reply into memory that has room for it.
private struct ReplyWriter {
    private let memory: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(_ memory: UnsafeMutableRawBufferPointer) { self.memory = memory }

    mutating func status(_ status: Int) {
        if status == 200 { return write("HTTP/1.1 200 OK\r\n") }
        let reason = HTTPResponseStatus(statusCode: status).reasonPhrase
        write("HTTP/1.1 \(status) \(reason)\r\n")
    }

    mutating func header(_ name: String, _ value: String) {
        write(name)
        write(": ")
        write(value)
        write("\r\n")
    }

    mutating func write(_ text: String) {
        var text = text
        text.withUTF8 { write(UnsafeRawBufferPointer($0)) }
    }

    mutating func write(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { write($0) }
    }

    private mutating func write(_ bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count <= memory.count - count, "the room was counted")
        guard let source = bytes.baseAddress, let base = memory.baseAddress else { return }
        (base + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }
}
