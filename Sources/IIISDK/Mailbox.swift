import NIOCore
import Primitives
import Synchronization

/// How other threads reach a ``Link``: what they want done is collected and done in one go, so that
/// a burst of calls wakes the event loop once.
final class Mailbox: Sendable {
    typealias Job = @Sendable (Link) -> Void

    let eventLoop: any EventLoop
    let identity: WorkerIdentity
    private let link: NIOLoopBoundBox<Link?>
    private let jobs = Mutex<[Job]>([])
    private let entropy = Mutex(SystemEntropy())

    init(eventLoop: any EventLoop, identity: WorkerIdentity) {
        self.eventLoop = eventLoop
        self.identity = identity
        link = .makeEmptyBox(eventLoop: eventLoop)
    }

    /// Has the link made, before anything else is posted: what is posted then finds it, for the
    /// event loop goes by the order.
    func open(_ make: @escaping @Sendable () -> Link) {
        eventLoop.execute { self.link.value = make() }
    }

    /// Runs `job` on the event loop: at once when the caller is there already.
    func post(_ job: @escaping Job) {
        if eventLoop.inEventLoop {
            if let link = link.value { job(link) }
            return
        }
        let isFirst = jobs.withLock { jobs in
            jobs.append(job)
            return jobs.count == 1
        }
        if isFirst { eventLoop.execute { self.runJobs() } }
    }

    private func runJobs() {
        let batch = jobs.withLock { jobs in
            defer { jobs = [] }
            return jobs
        }
        guard let link = link.value else { return }
        link.batch { for job in batch { job(link) } }
    }

    /// The id of a new call or trigger.
    func newID() -> UUID128 { entropy.withLock { UUID128(from: &$0) } }

    /// The namespace that a call of `functionID` names.
    func namespace(of functionID: String) -> String? { identity.namespace(of: functionID) }

    /// What was opened; only on the event loop.
    var current: Link? { link.value }
}
