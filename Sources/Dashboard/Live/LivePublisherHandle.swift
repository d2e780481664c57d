import NIOCore
import Synchronization

/// Where the one publisher lives, for the sockets of all event loops. Any thread.
package final class LivePublisherHandle: Sendable {
    private struct Place: Sendable {
        let loop: any EventLoop
        let publisher: NIOLoopBound<LivePublisher>
    }

    private let place = Mutex<Place?>(nil)

    package init() {}

    /// Once, from the event loop that the publisher is confined to.
    func move(in publisher: LivePublisher, on loop: any EventLoop) {
        let bound = NIOLoopBound(publisher, eventLoop: loop)
        place.withLock { $0 = Place(loop: loop, publisher: bound) }
    }

    /// The session wants to be told everything, and then what changes.
    func join(_ loop: Int, _ members: NIOLoopBound<LiveMembers>, session: UInt64) {
        guard let place = place.withLock({ $0 }) else { return }
        let target = LivePublisher.Target(loop: members.eventLoop, members: members)
        place.loop.execute { place.publisher.value.join(loop, target, session: session) }
    }

    /// The sessions of that event loop watch these streams, and no others.
    func watch(_ loop: Int, _ watches: Set<StreamWatch>) {
        guard let place = place.withLock({ $0 }) else { return }
        place.loop.execute { place.publisher.value.watch(loop, watches) }
    }

    /// Nobody listens on that event loop any more.
    func leave(_ loop: Int) {
        guard let place = place.withLock({ $0 }) else { return }
        place.loop.execute { place.publisher.value.leave(loop) }
    }
}
