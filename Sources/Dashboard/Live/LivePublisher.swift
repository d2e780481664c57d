import Engine
import JSON
import NIOCore
import NetServer
import Observability
import Primitives

/// Tells all open sockets how the engine is: four times a second at the most, while there are any.
/// Confined to its event loop.
///
/// One picture a tick is taken for all of them, what has changed in it is written once, and a
/// picture that comes late delays the next tick: a busy core is asked less often.
final class LivePublisher {
    struct Target: Sendable {
        let loop: any EventLoop
        let members: NIOLoopBound<LiveMembers>
    }

    private let loop: any EventLoop
    private let pictures: PictureRequests
    private let sources: DashboardSources
    private let inbox: Inbox
    /// By the number of the event loop.
    private var targets: [Int: Target] = [:]
    /// Sessions that know nothing yet.
    private var newcomers: [(loop: Int, session: UInt64)] = []
    private var isTicking = false
    private var frames = LiveFrames()
    private var watches = StreamWatches()
    /// Up to which log line was told.
    private var logCursor: UInt64 = 0
    private var host = HostFigures()
    private var hostAge = 0

    private static let period = TimeAmount.milliseconds(250)
    /// Requests that are told of in one tick.
    private static let requests = 50

    init(
        loop: any EventLoop,
        pictures: PictureRequests,
        sources: DashboardSources,
        inbox: Inbox
    ) {
        self.loop = loop
        self.pictures = pictures
        self.sources = sources
        self.inbox = inbox
    }

    // MARK: Who listens

    func join(_ number: Int, _ target: Target, session: UInt64) {
        targets[number] = target
        newcomers.append((number, session))
        guard !isTicking else { return }
        isTicking = true
        tick()
    }

    func leave(_ number: Int) {
        targets[number] = nil
        newcomers.removeAll { $0.loop == number }
        watch(number, [])
    }

    func watch(_ number: Int, _ streams: Set<StreamWatch>) {
        watches.set(streams, ofLoop: number, sources.followed)
    }

    // MARK: Ticks

    private func tick() {
        guard !targets.isEmpty else {
            isTicking = false
            return
        }
        lookAtHost()
        let isAsked = pictures.ask(known: frames.version) { [weak self] picture in
            self?.publish(picture)
        }
        if !isAsked { next() }
    }

    private func next() {
        loop.assumeIsolated().scheduleTask(in: Self.period) { self.tick() }
    }

    /// Once a second: it is asked on another thread.
    private func lookAtHost() {
        hostAge += 1
        guard hostAge % 4 == 1 else { return }
        let own = NIOLoopBound(self, eventLoop: loop)
        let loop = loop
        sources.lookAtHost { figures in
            loop.execute { own.value.host = figures }
        }
    }

    private func publish(_ picture: EnginePicture) {
        defer { next() }
        let (rows, passed, cursor) = sources.followed.changes(
            since: frames.cursor,
            limit: Self.requests
        )
        let logs = sources.followed.logs(since: logCursor, limit: LiveText.elements)
        logCursor = logs.cursor
        let changes = frames.take(
            picture,
            LiveFrames.Surroundings(
                totals: sources.followed.totals,
                host: host,
                inbox: inbox.load.commands,
                processes: sources.processes.rows,
                requests: rows,
                passed: passed,
                cursor: cursor,
                logs: logs
            )
        )
        let events = watches.take(sources.followed)
        for target in targets.values {
            target.loop.execute {
                target.members.value.deliver(changes: changes, events: events)
            }
        }
        guard !newcomers.isEmpty else { return }
        let recent = sources.followed.requests(RequestFilter(limit: Self.requests)).rows
        let whole = frames.whole(
            recent: recent.reversed(),
            logs: sources.followed.logs(since: nil, limit: LiveText.elements)
        )
        for (number, session) in newcomers {
            guard let target = targets[number] else { continue }
            target.loop.execute {
                target.members.value.deliver(whole: whole, events: events, to: session)
            }
        }
        newcomers = []
    }
}

extension RequestFilter {
    fileprivate init(limit: Int) {
        self.init()
        self.limit = limit
    }
}
