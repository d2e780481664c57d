import DequeModule
package import Engine
import HTTPFunctions
package import NIOCore
import Primitives
import Synchronization

/// A name whose addresses are wanted.
package struct NameQuestion: Sendable {
    package let name: String
    /// The connection that registered the function: whose share of the threads it takes.
    package let owner: ConnectionID
    /// When nobody wants to know any more.
    package let deadline: NIODeadline
}

/// Look-ups of names on threads that may wait, few at a time.
///
/// A look-up cannot be given up: one of a slow name has its thread for as long as the system's
/// resolver likes, which may be longer than the request that asked for it. So that slow names keep
/// nobody else waiting:
///
/// * whoever asks for a name that is being looked up waits for the same look-up;
/// * the functions of one connection have a share of the threads, and wait for their own;
/// * what nobody wants to know any more is not begun.
final class DNSLookups: Sendable {
    /// Looks a name up and calls back, on whichever thread.
    typealias Run = @Sendable (String, @escaping @Sendable ([IPAddress]) -> Void) -> Void

    struct Busy: Error, CustomStringConvertible {
        var description: String { "too many names are being looked up; try again later" }
    }

    fileprivate struct Asked {
        let question: NameQuestion
        let promise: EventLoopPromise<[IPAddress]>
    }

    fileprivate struct State {
        /// Who waits for the names that are being looked up.
        var underWay: [String: [Asked]] = [:]
        /// How many threads the functions of a connection have.
        var running: [ConnectionID: Int] = [:]
        /// How many questions of a connection are open.
        var open: [ConnectionID: Int] = [:]
        /// For a thread, in the order in which they came.
        var waiting: Deque<Asked> = []
    }

    private let state = Mutex(State())
    private let run: Run
    private let threads: Int
    private let share: Int

    init(threads: Int, share: Int, run: @escaping Run) {
        self.threads = threads
        self.share = share
        self.run = run
    }

    /// The addresses of a name, none where it has none. Fails with ``Busy`` where too many names
    /// are wanted for the functions of one connection.
    func addresses(
        of question: NameQuestion,
        on loop: any EventLoop
    ) -> EventLoopFuture<[IPAddress]> {
        let asked = Asked(question: question, promise: loop.makePromise())
        let answer = state.withLock { state -> (isTaken: Bool, begun: NameQuestion?) in
            guard state.open[question.owner, default: 0] < Limits.openLookUps else {
                return (false, nil)
            }
            state.open[question.owner, default: 0] += 1
            if state.underWay[question.name] != nil {
                state.underWay[question.name]?.append(asked)
                return (true, nil)
            }
            guard state.hasThread(for: question.owner, threads, share) else {
                state.waiting.append(asked)
                return (true, nil)
            }
            state.begin(asked)
            return (true, question)
        }
        if !answer.isTaken { asked.promise.fail(Busy()) }
        if let begun = answer.begun { start(begun) }
        return asked.promise.futureResult
    }

    private func start(_ question: NameQuestion) {
        run(question.name) { self.ended(question, $0) }
    }

    /// A thread is free: the next one that may begin does, and so on.
    private func ended(_ question: NameQuestion, _ found: [IPAddress]) {
        let now = NIODeadline.now()
        let (told, late, next) = state.withLock { state in
            state.release(question.owner)
            let told = state.underWay.removeValue(forKey: question.name) ?? []
            let late = state.removeLate(now)
            for asked in told + late { state.close(asked.question.owner) }
            return (told, late, state.next(threads, share))
        }
        for asked in told { asked.promise.succeed(found) }
        // Nobody listens any more.
        for asked in late { asked.promise.succeed([]) }
        for question in next { start(question) }
    }
}

extension DNSLookups.State {
    fileprivate func hasThread(for owner: ConnectionID, _ threads: Int, _ share: Int) -> Bool {
        underWay.count < threads && running[owner, default: 0] < share
    }

    fileprivate mutating func begin(_ asked: DNSLookups.Asked) {
        underWay[asked.question.name] = [asked]
        running[asked.question.owner, default: 0] += 1
    }

    fileprivate mutating func release(_ owner: ConnectionID) { Self.count(down: &running, owner) }

    fileprivate mutating func close(_ owner: ConnectionID) { Self.count(down: &open, owner) }

    private static func count(down counts: inout [ConnectionID: Int], _ owner: ConnectionID) {
        let rest = counts[owner, default: 1] - 1
        counts[owner] = rest > 0 ? rest : nil
    }

    /// Takes out what nobody wants to know any more.
    fileprivate mutating func removeLate(_ now: NIODeadline) -> [DNSLookups.Asked] {
        let late = waiting.filter { $0.question.deadline <= now }
        if !late.isEmpty { waiting.removeAll { $0.question.deadline <= now } }
        return Array(late)
    }

    /// Begins what may begin, and joins what waits for a name that is being looked up meanwhile.
    fileprivate mutating func next(_ threads: Int, _ share: Int) -> [NameQuestion] {
        var begun: [NameQuestion] = []
        var rest: Deque<DNSLookups.Asked> = []
        while let asked = waiting.popFirst() {
            if underWay[asked.question.name] != nil {
                underWay[asked.question.name]?.append(asked)
            } else if hasThread(for: asked.question.owner, threads, share) {
                begin(asked)
                begun.append(asked.question)
            } else {
                rest.append(asked)
            }
        }
        waiting = rest
        return begun
    }
}
