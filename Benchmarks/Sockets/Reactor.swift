import CEpoll
import Glibc

/// Drives all connections of a point from one thread: waits, reads, lets each link handle what
/// arrived, and sends what they have to say.
final class Reactor {
    private var links: [Link] = []
    /// Of each link, whether it is told when it can send again.
    private var waitsToSend: [Bool] = []
    private let epoll = epoll_create1(0)
    private var events = [epoll_event](repeating: epoll_event(), count: 128)

    deinit { close(epoll) }

    func add(_ link: Link) throws(Failure) {
        try watch(EPOLL_CTL_ADD, link, number: links.count, sends: false)
        links.append(link)
        waitsToSend.append(false)
    }

    /// Runs until `isDone`, which gets the time and is asked every `tick` milliseconds at least.
    ///
    /// - Throws: when a link fails, or `seconds` are over; then `what` was waited for.
    func run(
        within seconds: Double,
        what: String,
        tick: Int32 = 20,
        until isDone: (UInt64) -> Bool
    ) throws(Failure) {
        let deadline = Monotonic.now() + UInt64(seconds * 1e9)
        while true {
            let now = Monotonic.now()
            if isDone(now) { return }
            if now >= deadline { throw Failure("no \(what) within \(Int(seconds)) s") }
            try turn(tick)
        }
    }

    private func turn(_ milliseconds: Int32) throws(Failure) {
        for number in links.indices { try flush(number) }
        let ready = epoll_wait(epoll, &events, Int32(events.count), milliseconds)
        if ready < 0, errno != EINTR {
            throw .systemCall("epoll_wait", "\(links.count) connections")
        }
        for index in 0..<max(0, Int(ready)) where events[index].events != EPOLLOUT.rawValue {
            let link = links[Int(events[index].data.u64)]
            try link.fill()
            try link.receive(link, Monotonic.now())
        }
    }

    private func flush(_ number: Int) throws(Failure) {
        let link = links[number]
        guard !link.output.isEmpty || waitsToSend[number] else { return }
        try link.flush()
        guard waitsToSend[number] == link.output.isEmpty else { return }
        waitsToSend[number].toggle()
        try watch(EPOLL_CTL_MOD, link, number: number, sends: waitsToSend[number])
    }

    private func watch(
        _ change: Int32,
        _ link: Link,
        number: Int,
        sends: Bool
    ) throws(Failure) {
        var event = epoll_event()
        event.events = EPOLLIN.rawValue | (sends ? EPOLLOUT.rawValue : 0)
        event.data.u64 = UInt64(number)
        guard epoll_ctl(epoll, change, link.descriptor, &event) == 0 else {
            throw .systemCall("epoll_ctl", link.peer)
        }
    }
}
