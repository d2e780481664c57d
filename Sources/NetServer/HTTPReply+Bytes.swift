import NIOCore
import NIOHTTP1

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
        let status = sentStatus
        let hasBody = mayHaveBody
        var buffer = ByteBuffer()
        buffer.reserveCapacity(256 + (hasBody ? body.count : 0))
        buffer.writeString("HTTP/1.1 \(status) ")
        buffer.writeString(HTTPResponseStatus(statusCode: status).reasonPhrase)
        buffer.writeStaticString("\r\n")
        var hasDate = false
        for (name, value) in headers {
            guard Self.isToken(name), Self.isFieldValue(value) else { continue }
            let lower = name.lowercased()
            guard !Self.isReserved(lower) else { continue }
            hasDate = hasDate || lower == "date"
            Self.write(name, value, to: &buffer)
        }
        for (name, value) in vouched { Self.write(name, value, to: &buffer) }
        if !hasDate { Self.write("date", circumstances.date, to: &buffer) }
        if hasBody, !circumstances.isStreamed {
            Self.write("content-length", String(body.count), to: &buffer)
        } else if hasBody, !circumstances.isHTTP10 {
            Self.write("transfer-encoding", "chunked", to: &buffer)
        }
        if !circumstances.keepsAlive {
            Self.write("connection", "close", to: &buffer)
        } else if circumstances.isHTTP10 {
            Self.write("connection", "keep-alive", to: &buffer)
        }
        buffer.writeStaticString("\r\n")
        if hasBody, !circumstances.isHead { buffer.writeBytes(body) }
        return buffer
    }

    /// The head of the reply for HTTP/2, which says of the connection nothing.
    func head(_ circumstances: Circumstances) -> HTTPResponseHead {
        var fields = HTTPHeaders()
        fields.reserveCapacity(headers.count + vouched.count + 2)
        for (name, value) in headers where Self.isToken(name) && Self.isFieldValue(value) {
            let lower = name.lowercased()
            if !Self.isReserved(lower) { fields.add(name: lower, value: value) }
        }
        for (name, value) in vouched { fields.add(name: name, value: value) }
        if !fields.contains(name: "date") { fields.add(name: "date", value: circumstances.date) }
        if mayHaveBody, !circumstances.isStreamed {
            fields.add(name: "content-length", value: String(body.count))
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

    private static func write(_ name: String, _ value: String, to buffer: inout ByteBuffer) {
        buffer.writeString(name)
        buffer.writeStaticString(": ")
        buffer.writeString(value)
        buffer.writeStaticString("\r\n")
    }

    /// Whether a header is the connection's business rather than the service's.
    private static func isReserved(_ name: String) -> Bool {
        switch name {
        case "connection", "content-length", "transfer-encoding", "keep-alive", "upgrade",
            "trailer", "te", "proxy-connection":
            true
        default: false
        }
    }

    /// RFC 9110, 5.6.2.
    static func isToken(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }

    /// RFC 9110, 5.5: no control character but the tab, and so no line break.
    static func isFieldValue(_ value: String) -> Bool {
        value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
    }
}
