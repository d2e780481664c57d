import CEpoll
import Glibc

/// Thousands of workers on one thread: each is a descriptor and what has arrived of its next
/// frame, and one receive buffer serves them all.
final class Crowd {
    /// Gets the number of a worker, and a message; the bytes are valid during the call.
    typealias Message = (Int, UnsafeRawBufferPointer) throws(Failure) -> Void

    private var members: [Member] = []
    private let epoll: Int32
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
    private var events = [epoll_event](repeating: epoll_event(), count: 512)
    private let onMessage: Message
    /// When the bytes arrived that a message was in.
    private(set) var now: UInt64 = 0

    private struct Member {
        let descriptor: Int32
        /// The start of a frame, or of the head of the answer to the upgrade.
        var rest: [UInt8] = []
        var isUpgraded = false
    }

    init(_ onMessage: @escaping Message) throws(Failure) {
        self.onMessage = onMessage
        epoll = epoll_create1(0)
        guard epoll >= 0 else { throw .systemCall("epoll_create1", "a crowd") }
    }

    deinit {
        for member in members { close(member.descriptor) }
        close(epoll)
        buffer.deallocate()
    }

    /// Lets this process, and the servers that it starts, have as many files as the system allows.
    ///
    /// - Throws: when that is not enough for so many connections.
    static func raiseLimit(connections: Int) throws(Failure) {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        getrlimit(resource, &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(resource, &limit)
        guard limit.rlim_cur >= rlim_t(connections + 100) else {
            throw Failure("\(limit.rlim_cur) files at most; \(connections) connections need more")
        }
    }

    /// Connects one more and asks for the upgrade.
    ///
    /// - Returns: its number: they count up from 0.
    func add(port: UInt16) throws(Failure) -> Int {
        let descriptor = try Link.connected(port: port)
        let number = members.count
        members.append(Member(descriptor: descriptor))
        var event = epoll_event()
        event.events = EPOLLIN.rawValue
        event.data.u64 = UInt64(number)
        guard epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0 else {
            throw .systemCall("epoll_ctl", "worker \(number)")
        }
        try write(Array(WorkerLink.upgradeRequest(host: "127.0.0.1:\(port)").utf8), to: number)
        return number
    }

    /// Reads nothing more of one.
    func ignore(_ number: Int) throws(Failure) {
        var event = epoll_event()
        guard epoll_ctl(epoll, EPOLL_CTL_DEL, members[number].descriptor, &event) == 0 else {
            throw .systemCall("epoll_ctl", "connection \(number)")
        }
    }

    /// Sends whole frames, which the kernel takes at once: they are few and small.
    func write(_ bytes: [UInt8], to number: Int) throws(Failure) {
        let sent = send(members[number].descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        guard sent == bytes.count else { throw .systemCall("send", "worker \(number)") }
    }

    /// Handles what arrives until `isDone`.
    ///
    /// - Throws: when a connection ends, or `seconds` are over; then `what` was waited for.
    func run(within seconds: Double, what: String, until isDone: () -> Bool) throws(Failure) {
        let deadline = Monotonic.now() + UInt64(seconds * 1e9)
        while !isDone() {
            guard Monotonic.now() < deadline else {
                throw Failure("no \(what) within \(Int(seconds)) s")
            }
            try turn(milliseconds: 20)
        }
    }

    /// Handles what has arrived, or arrives within `milliseconds`.
    func turn(milliseconds: Int32 = 0) throws(Failure) {
        let ready = epoll_wait(epoll, &events, Int32(events.count), milliseconds)
        if ready < 0, errno != EINTR { throw .systemCall("epoll_wait", "a crowd") }
        for index in 0..<max(0, Int(ready)) { try read(Int(events[index].data.u64)) }
    }

    private func read(_ number: Int) throws(Failure) {
        let count = recv(members[number].descriptor, buffer.baseAddress, buffer.count, 0)
        guard count > 0 else { throw Failure("the engine ended the connection of \(number)") }
        now = Monotonic.now()
        var bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count])
        guard !members[number].rest.isEmpty else {
            try take(&bytes, of: number)
            members[number].rest = Array(bytes)
            return
        }
        let joined = members[number].rest + bytes
        let left = try joined.withUnsafeBufferPointer { (all) throws(Failure) in
            var bytes = UnsafeRawBufferPointer(all)
            try take(&bytes, of: number)
            return bytes.count
        }
        members[number].rest = Array(joined.suffix(left))
    }

    /// Takes the head of the upgrade's answer and every whole frame.
    private func take(_ bytes: inout UnsafeRawBufferPointer, of number: Int) throws(Failure) {
        if !members[number].isUpgraded {
            guard let end = WorkerLink.headEnd(bytes) else { return }
            let head = String(decoding: bytes[..<end], as: UTF8.self)
            guard head.hasPrefix("HTTP/1.1 101") else { throw Failure("no upgrade: \(head)") }
            members[number].isUpgraded = true
            bytes = UnsafeRawBufferPointer(rebasing: bytes[end...])
        }
        while let frame = try ServerFrame(bytes) {
            if frame.opcode == ServerFrame.close { throw Failure("\(number) got a close frame") }
            if frame.opcode == ServerFrame.text { try onMessage(number, frame.payload) }
            // A pong, masked with nothing: the engine's pings have no payload.
            if frame.opcode == 9 { try write([0x8A, 0x80, 0, 0, 0, 0], to: number) }
            bytes = UnsafeRawBufferPointer(rebasing: bytes[frame.extent...])
        }
    }
}
