import Testing

@testable import NetServer

@Suite("Request lines")
struct RequestFramingTests {
    private static let good = [
        "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
        "POST /a HTTP/1.1\r\nContent-Length: 12\r\n\r\nGET  / HTTP/",
        "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n6;x=y\r\nGET  /\r\n0\r\nX:  y\r\n\r\n",
        "PUT /a HTTP/1.1\r\ncontent-length:3\r\nX-Long: \(String(repeating: "a  b", count: 99))\r\n\r\na  ",
        "\r\nDELETE /a HTTP/1.1\r\n\r\n",
    ]

    /// The bytes in reads of `size`, up to the defect.
    private func defect(_ text: String, reads size: Int) -> Int? {
        var framing = RequestFraming()
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            let part = Array(bytes[start..<min(start + size, bytes.count)])
            if let place = part.withUnsafeBytes({ framing.firstDefect(in: $0) }) {
                return start + place
            }
        }
        return nil
    }

    @Test("sound requests pass, one behind the other, in reads of any size", arguments: 1...70)
    func sound(size: Int) {
        #expect(defect(Self.good.joined(), reads: size) == nil)
    }

    @Test("a line with two spaces is found where the second one is", arguments: 1...70)
    func doubled(size: Int) {
        let text = Self.good.joined()
        for (bad, place) in [
            ("GET  / HTTP/1.1", 4), ("GET /  HTTP/1.1", 6), (" GET / HTTP/1.1", 0),
        ] {
            let all = "\(text)\(bad)\r\n\r\n"
            #expect(defect(all, reads: size) == text.utf8.count + place)
        }
    }
}
