/// A response with its body.
struct HTTPResponse {
    let status: Int
    /// Names in lower case; of a repeated one, the last.
    let headers: [String: String]
    let body: String
}

/// HTTP/1.1, one request per connection.
enum HTTPClient {
    /// - Throws: `Failure` when nobody listens, or the answer is none within 60 s.
    static func get(_ port: Int, _ path: String) throws -> HTTPResponse {
        let socket = try TCPSocket(port: port)
        let request = "GET \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n\r\n"
        try socket.send(Array(request.utf8))
        let deadline = Deadline(in: 60)
        var bytes: [UInt8] = []
        while let part = socket.receive(until: deadline), !part.isEmpty {
            bytes += part
        }
        guard let head = HTTPHead(bytes) else {
            throw Failure("no HTTP answer to GET \(path): \(bytes.count) bytes")
        }
        return HTTPResponse(
            status: head.status,
            headers: head.headers,
            body: String(decoding: bytes[head.length...], as: UTF8.self)
        )
    }
}

/// The first lines of a response.
struct HTTPHead {
    let status: Int
    let headers: [String: String]
    /// Bytes up to and with the empty line.
    let length: Int

    /// Nil while the empty line has not arrived.
    init?(_ bytes: [UInt8]) {
        let end: [UInt8] = [13, 10, 13, 10]
        guard bytes.count >= 4,
            let at = (0...bytes.count - 4).first(where: { bytes[$0..<$0 + 4].elementsEqual(end) })
        else { return nil }
        let lines = String(decoding: bytes[..<at], as: UTF8.self).split(separator: "\r\n")
        guard let first = lines.first?.split(separator: " "), first.count >= 2,
            let status = Int(first[1])
        else { return nil }
        self.status = status
        length = at + 4
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            headers[line[..<colon].lowercased()] = String(value)
        }
        self.headers = headers
    }
}
