import Glibc

/// Drives all connections of a point from one thread: waits, reads, lets each link handle what
/// arrived, and sends what they have to say.
final class Reactor {
    private var links: [Link] = []
    private var polls: [pollfd] = []

    func add(_ link: Link) {
        links.append(link)
        polls.append(pollfd(fd: link.descriptor, events: Int16(POLLIN), revents: 0))
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
        for (index, link) in links.enumerated() {
            try link.flush()
            polls[index].events = Int16(link.output.isEmpty ? POLLIN : POLLIN | POLLOUT)
        }
        let ready = poll(&polls, nfds_t(polls.count), milliseconds)
        if ready < 0, errno != EINTR { throw .systemCall("poll", "\(polls.count) connections") }
        guard ready > 0 else { return }
        for (index, link) in links.enumerated()
        where polls[index].revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 {
            try link.fill()
            try link.receive(link, Monotonic.now())
        }
    }
}
