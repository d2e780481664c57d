/// A worker's WebSocket connection to the engine.
final class WorkerLink {
    /// Gets a message and the time; the bytes are valid during the call.
    typealias Message = (UnsafeRawBufferPointer, UInt64) throws(Failure) -> Void

    let link: Link
    private var message: Message = { (_, _) throws(Failure) in }

    /// Connects, sends the registrations, and returns when the engine has them.
    ///
    /// - Parameters:
    ///   - port: where the engine takes workers.
    ///   - name: the worker's; nil for one that no other of this program has now.
    ///   - registrations: whole messages, in order.
    ///   - reactor: drives the connection.
    /// - Throws: when the engine cannot be reached, or does not register the worker.
    init(
        port: UInt16,
        name: String?,
        _ registrations: [String] = [],
        on reactor: Reactor
    ) throws(Failure) {
        link = try Link(port: port)
        try reactor.add(link)
        try upgrade(reactor)
        try register(name ?? "\(link.descriptor)", registrations, reactor)
    }

    /// From now on, messages go to `message`.
    func onMessage(_ message: @escaping Message) { self.message = message }

    private func upgrade(_ reactor: Reactor) throws(Failure) {
        var response = ""
        link.receive = { (link, _) throws(Failure) in
            let bytes = link.input.bytes
            guard let end = Self.headEnd(bytes) else { return }
            response = String(decoding: bytes[..<end], as: UTF8.self)
            link.input.take(end)
        }
        link.output.append(Self.upgradeRequest(host: link.peer))
        try reactor.run(within: 5, what: "upgrade") { _ in !response.isEmpty }
        guard response.hasPrefix("HTTP/1.1 101") else {
            throw Failure("\(link.peer) refused the upgrade: \(response)")
        }
        link.receive = { [unowned self] (_, now) throws(Failure) in try take(now) }
    }

    static func upgradeRequest(host: String, path: String = "/") -> String {
        "GET \(path) HTTP/1.1\r\nHost: \(host)\r\nUpgrade: websocket\r\n"
            + "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    }

    private func register(
        _ name: String,
        _ registrations: [String],
        _ reactor: Reactor
    ) throws(Failure) {
        var isRegistered = false
        var key = FieldFinder("\"\(Self.registration)\"")
        onMessage { (message, _) throws(Failure) in
            if key.find(in: message) != nil { isRegistered = true }
        }
        for registration in registrations { FrameTemplate.send(registration, on: link) }
        FrameTemplate.send(
            """
            {"type":"invokefunction","invocation_id":"\(Self.registration)",\
            "function_id":"engine::workers::register",\
            "data":{"runtime":"swift","version":"0.25.0","name":"\(name)"}}
            """,
            on: link
        )
        try take(Monotonic.now())
        try reactor.run(within: 5, what: "registration") { _ in isRegistered }
        onMessage { (_, _) throws(Failure) in }
    }

    private static let registration = "ffffffff-0000-4000-8000-000000000000"

    /// Hands over every whole message that arrived.
    private func take(_ now: UInt64) throws(Failure) {
        while let frame = try ServerFrame(link.input.bytes) {
            if frame.opcode == ServerFrame.close {
                throw Failure("\(link.peer) sent a close frame")
            }
            if frame.opcode == ServerFrame.text { try message(frame.payload, now) }
            link.input.take(frame.extent)
        }
    }

    /// Where the head of an HTTP message ends; nil while it is not whole.
    static func headEnd(_ bytes: UnsafeRawBufferPointer) -> Int? {
        var finder = FieldFinder("\r\n\r\n")
        return finder.find(in: bytes)
    }
}

/// A frame from the engine: never masked.
struct ServerFrame {
    static let text: UInt8 = 1
    static let close: UInt8 = 8

    let opcode: UInt8
    let payload: UnsafeRawBufferPointer
    /// Bytes of the whole frame.
    let extent: Int

    /// Nil while it is not whole.
    init?(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        guard bytes.count >= 2 else { return nil }
        guard bytes[0] & 0x80 != 0 else {
            throw Failure("the engine cut a message of a benchmark into pieces")
        }
        opcode = bytes[0] & 0x0f
        var header = 2
        var length = Int(bytes[1])
        if length >= 126 {
            let width = length == 126 ? 2 : 8
            guard bytes.count >= header + width else { return nil }
            length = bytes[header..<(header + width)].reduce(0) { $0 << 8 | Int($1) }
            header += width
        }
        guard bytes.count >= header + length else { return nil }
        payload = UnsafeRawBufferPointer(rebasing: bytes[header..<(header + length)])
        extent = header + length
    }
}
