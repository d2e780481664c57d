import Glibc

/// A TCP connection over loopback that never blocks.
final class Link {
    /// Gets the link when bytes arrived, and the time; takes from ``input`` what it understands.
    typealias Receive = (Link, UInt64) throws(Failure) -> Void

    let descriptor: Int32
    let peer: String
    let input = ByteQueue()
    /// Sent at the end of the reactor's turn.
    let output = ByteQueue()
    var receive: Receive = { (_, _) throws(Failure) in }

    private static let readBytes = 256 << 10

    init(port: UInt16) throws(Failure) {
        peer = "127.0.0.1:\(port)"
        descriptor = try Self.connected(port: port)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    }

    deinit { close(descriptor) }

    /// A connection that blocks.
    static func connected(port: UInt16) throws(Failure) -> Int32 {
        let peer = "127.0.0.1:\(port)"
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw .systemCall("socket", peer) }
        var address = loopback(port: port)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
        }
        guard status == 0 else {
            let failure = Failure.systemCall("connect", peer)
            close(descriptor)
            throw failure
        }
        var one: Int32 = 1
        setsockopt(
            descriptor,
            Int32(IPPROTO_TCP),
            TCP_NODELAY,
            &one,
            socklen_t(MemoryLayout<Int32>.size)
        )
        return descriptor
    }

    /// A port of this machine that nobody listens on now.
    static func freePort() throws(Failure) -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw .systemCall("socket", "127.0.0.1") }
        defer { close(descriptor) }
        var address = loopback(port: 0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, size) == 0
                    ? getsockname(descriptor, pointer, &size) : -1
            }
        }
        guard status == 0 else { throw .systemCall("bind", "127.0.0.1:0") }
        return UInt16(bigEndian: address.sin_port)
    }

    private static func loopback(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }

    /// Reads what is there, once.
    func fill() throws(Failure) {
        var received = 0
        input.append(atMost: Self.readBytes) { room in
            received = recv(descriptor, room.baseAddress, room.count, 0)
            return max(0, received)
        }
        if received > 0 || (received < 0 && (errno == EAGAIN || errno == EINTR)) { return }
        throw received == 0 ? Failure("\(peer) closed the connection") : .systemCall("recv", peer)
    }

    /// Sends what can be sent at once.
    func flush() throws(Failure) {
        while !output.isEmpty {
            let bytes = output.bytes
            let sent = send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            if sent < 0, errno == EAGAIN { return }
            guard sent > 0 else { throw .systemCall("send", peer) }
            output.take(sent)
        }
    }
}
