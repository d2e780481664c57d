import Glibc

/// A TCP connection to a port on loopback; every wait has a deadline.
final class TCPSocket {
    let descriptor: Int32

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure("socket: errno \(errno)") }
        var address = TCPSocket.loopback(port)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            throw Failure("cannot connect to 127.0.0.1:\(port): errno \(errno)")
        }
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, 4)
    }

    deinit {
        close(descriptor)
    }

    func disconnect() {
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    static func loopback(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port)).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        return address
    }

    /// - Throws: `Failure` when the peer is gone or does not read for 60 s.
    func send(_ bytes: [UInt8]) throws {
        guard try send(bytes, until: Deadline(in: 60)) == bytes.count else {
            throw Failure("the peer did not read for 60 s")
        }
    }

    /// Sends what the peer takes until then.
    ///
    /// - Returns: bytes that were sent.
    /// - Throws: `Failure` when the peer is gone.
    func send(_ bytes: [UInt8], until deadline: Deadline) throws -> Int {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(
                    descriptor,
                    $0.baseAddress,
                    $0.count,
                    Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
                )
            }
            if count > 0 {
                sent += count
            } else if errno == EAGAIN || errno == EINTR {
                _ = ready(for: POLLOUT, until: deadline)
                if deadline.passed { return sent }
            } else {
                throw Failure("send: errno \(errno)")
            }
        }
        return sent
    }

    /// What has arrived; empty at the end of the stream, nil when nothing came until `deadline`.
    func receive(until deadline: Deadline) -> [UInt8]? {
        guard ready(for: POLLIN, until: deadline) else { return nil }
        let bytes = [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
            let received = recv(descriptor, buffer.baseAddress, buffer.count, 0)
            count = max(0, received)
        }
        return bytes
    }

    private func ready(for events: Int32, until deadline: Deadline) -> Bool {
        var item = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        return poll(&item, 1, deadline.milliseconds) > 0
    }
}

/// A port on loopback that is held for as long as this lives.
final class HeldPort {
    private let descriptor: Int32
    let port: Int

    /// One that is free, with somebody who listens.
    convenience init() throws { try self.init(0, isListening: true) }

    /// One that whoever had it gets back, and nobody else who asks for any: it can be bound again,
    /// and nobody listens.
    convenience init(of port: Int) throws { try self.init(port, isListening: false) }

    private init(_ wanted: Int, isListening: Bool) throws {
        let held = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var again: Int32 = isListening ? 0 : 1
        setsockopt(held, SOL_SOCKET, SO_REUSEADDR, &again, 4)
        var address = TCPSocket.loopback(wanted)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(held, $0, length) == 0 && (!isListening || listen(held, 1) == 0)
                    && getsockname(held, $0, &length) == 0
            }
        }
        descriptor = held
        port = Int(UInt16(bigEndian: address.sin_port))
        guard bound else { throw Failure("cannot hold port \(wanted): errno \(errno)") }
    }

    deinit {
        close(descriptor)
    }
}
