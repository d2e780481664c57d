/// The text protocol of NATS, as far as publishing to a JetStream stream and its acknowledgements
/// need it.
struct NATSClient {
    private let link: Link
    private let reactor: Reactor

    private static let stream = "bench"

    /// Greets the server.
    init(_ link: Link, on reactor: Reactor) throws(Failure) {
        self.link = link
        self.reactor = reactor
        let greeting =
            "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"swift\"}\r\nPING\r\n"
        _ = try reactor.exchange(Array(greeting.utf8), on: link, what: "PONG from NATS") {
            (bytes) throws(Failure) -> Reactor.Step<Bool> in
            guard let line = Self.line(bytes) else { return .notWhole }
            if line.hasPrefix("-ERR") { throw Failure("NATS answered \(line)") }
            return line == "PONG" ? .done(true, line.utf8.count + 2) : .skip(line.utf8.count + 2)
        }
    }

    /// Makes the stream, kept in files.
    func makeStream() throws(Failure) {
        let text = """
            {"name":"\(Self.stream)","subjects":["\(Self.stream)"],"retention":"limits",\
            "max_consumers":-1,"max_msgs":-1,"max_bytes":-1,"max_age":0,"storage":"file",\
            "discard":"old","num_replicas":1}
            """
        let request =
            "SUB _INBOX.make 9\r\nPUB $JS.API.STREAM.CREATE.\(Self.stream) _INBOX.make "
            + "\(text.utf8.count)\r\n\(text)\r\n"
        let answer = try reactor.exchange(Array(request.utf8), on: link, what: "stream of NATS") {
            (bytes) throws(Failure) -> Reactor.Step<String> in
            guard let line = Self.line(bytes) else { return .notWhole }
            let head = line.utf8.count + 2
            guard line.hasPrefix("MSG ") else { return .skip(head) }
            guard let extent = try Self.extent(ofMessage: line, bytes) else { return .notWhole }
            return .done(bytes.text(head..<extent), extent)
        }
        guard !answer.contains("\"error\"") else { throw Failure("NATS made no stream: \(answer)") }
    }

    /// Publishing 256 bytes, each acknowledged to an inbox of this client.
    func publishing(as index: Int) -> Dialogue {
        let inbox = "_INBOX.\(index)"
        link.output.append("SUB \(inbox) 1\r\n")
        let payload = String(repeating: "x", count: 256)
        let request = "PUB \(Self.stream) \(inbox) 256\r\n\(payload)\r\n"
        let link = self.link
        return Dialogue(request: Array(request.utf8)) { (bytes) throws(Failure) in
            guard let line = Self.line(bytes) else { return nil }
            let head = line.utf8.count + 2
            if line.hasPrefix("MSG ") {
                guard let extent = try Self.extent(ofMessage: line, bytes) else { return nil }
                let answer = bytes.text(head..<extent)
                guard answer.hasPrefix("{\"stream\"") else { throw Failure("NATS: \(answer)") }
                return Answer(extent: extent)
            }
            if line.hasPrefix("-ERR") { throw Failure("NATS answered \(line)") }
            if line == "PING" { link.output.append("PONG\r\n") }
            return Answer(extent: head, requests: 0)
        }
    }

    /// The line at the beginning, without its end; nil while it is not whole.
    private static func line(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")), end > 0 else { return nil }
        return bytes.text(0..<(end - 1))
    }

    /// Bytes of a message with its line; nil while it is not whole.
    private static func extent(
        ofMessage line: String,
        _ bytes: UnsafeRawBufferPointer
    ) throws(Failure) -> Int? {
        guard let length = line.split(separator: " ").last.flatMap({ Int($0) }) else {
            throw Failure("not a message of NATS: \(line)")
        }
        let extent = line.utf8.count + 2 + length + 2
        return bytes.count >= extent ? extent : nil
    }
}
