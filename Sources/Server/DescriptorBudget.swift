import Engine
import NetServer
import Primitives

/// How the file descriptors of this process are shared out. What the log and the rest of the engine
/// need is kept back; connections get what is left: each taker some of its own, and all together
/// the rest, of which one may have the most where the others do not ask.
struct DescriptorBudget: Equatable {
    /// Who opens connections.
    struct Taker: Equatable {
        /// What an operator knows it by: a key of the configuration, where one sets its bound.
        let name: String
        /// How many it may have by its own bound.
        let wanted: Int
    }

    /// What a taker gets.
    struct Grant: Equatable {
        let taker: Taker
        /// Whatever the others take.
        let own: Int
        /// As long as the others leave them.
        let most: Int
    }

    /// How many descriptors the process may have.
    let limit: Int
    /// How many of them are not for connections.
    let reserve: Int
    let grants: [Grant]
    /// What is nobody's own.
    let shared: Int

    /// Of each taker's own, as far as there are twice as many; and the fewest per taker with which
    /// there is any use in a start.
    private static let own = 128
    private static let least = 16

    /// Nil where there are too few.
    init?(limit: Int, reserve: Int, takers: [Taker]) {
        let room = limit - reserve
        guard !takers.isEmpty, room >= Self.needed(takers.count) else { return nil }
        let floor = min(Self.own, room / (2 * takers.count))
        let owns = takers.map { min($0.wanted, floor) }
        let missing = zip(takers, owns).reduce(0) { $0 + $1.0.wanted - $1.1 }
        let shared = min(room - owns.reduce(0, +), missing)
        self.limit = limit
        self.reserve = reserve
        self.shared = shared
        grants = zip(takers, owns).map { taker, own in
            Grant(taker: taker, own: own, most: min(taker.wanted, own + shared))
        }
    }

    /// The fewest descriptors for connections with which an engine starts that has so many takers.
    static func needed(_ takers: Int) -> Int { takers * least }

    /// How many descriptors are kept back by an engine with so many event loops and listeners.
    ///
    /// The log, its ring, the segment to come, snapshots, retention and everybody who reads the log
    /// beside the core take some hundred at the most, with look-ups of names and what a shell has
    /// left open; an event loop takes three. A listener has its socket, and connections that were
    /// accepted and are about to be refused; a worker process its end, its outputs and its files.
    static func reserve(loops: Int, listeners: Int, processes: Int = 0) -> Int {
        128 + 4 * loops + 32 * listeners + 4 * processes
    }

    /// What an operator should know; nil: everybody can have at least half of what it wants.
    var notice: String? {
        guard grants.contains(where: { $0.most < $0.taker.wanted / 2 }) else { return nil }
        let wanted = grants.reduce(0) { $0 + $1.taker.wanted }
        let lowered = grants.filter { $0.most < $0.taker.wanted }.map {
            "\n  \($0.taker.name): at most \($0.most) connections, not \($0.taker.wanted)"
        }
        return "this process may have \(limit) file descriptors (RLIMIT_NOFILE), and \(reserve) of "
            + "them are for the log and the rest of the engine. All connections together are at "
            + "most \(limit - reserve), where \(wanted) are allowed:\(lowered.joined())\n"
            + "\(Self.wayOut), or set http.max_connections lower."
    }

    private static let wayOut =
        "Raise the hard limit (`ulimit -Hn`, LimitNOFILE= of a systemd unit, --ulimit nofile= of "
        + "docker)"

    /// Why there is no start with so few.
    static func refusal(limit: Int, reserve: Int, takers: Int) -> String {
        "this process may have \(limit) file descriptors (RLIMIT_NOFILE). The log and \(takers) "
            + "kinds of connections need at least \(reserve + needed(takers)).\n\(wayOut)."
    }
}

/// What listeners, and requests to functions elsewhere, take their descriptors from.
struct Descriptors: Sendable {
    struct Part: Sendable {
        /// How many there may be at the same time.
        let most: Int
        let share: DescriptorShare
    }

    /// In the order of ``Configuration/allWorkerListeners``.
    let workers: [Part]
    let http: Part
    let stream: Part
    let dashboard: Part
    let outbound: Part

    /// Shares out `limit` descriptors in an engine with so many event `loops`.
    ///
    /// - Throws: where they are too few to start with.
    init(
        _ configuration: Configuration,
        limit: Int,
        loops: Int,
        _ report: Report
    ) throws(ServeError) {
        let budget = try DescriptorBudget(configuration, limit: limit, loops: loops)
        if let text = budget.notice { report.notice(Notice(severity: .warning, paragraph: text)) }
        let pool = DescriptorPool(budget.shared)
        let parts = budget.grants.map { grant in
            Part(most: grant.most, share: DescriptorShare(own: grant.own, of: pool))
        }
        let count = parts.count - 4
        workers = Array(parts[..<count])
        http = parts[count]
        stream = parts[count + 1]
        dashboard = parts[count + 2]
        outbound = parts[count + 3]
    }
}

extension DescriptorBudget {
    /// Connections that the dashboard may have.
    private static let dashboardConnections = 1024
    /// Connections of a listener for which nothing is configured.
    private static let connections = WebSocketSettings().maximumConnections

    /// That of an engine with so many event `loops`, whose process may have `limit` descriptors.
    ///
    /// - Throws: where they are too few to start with.
    init(_ configuration: Configuration, limit: Int, loops: Int) throws(ServeError) {
        let takers = Self.takers(configuration, loops: loops)
        // Requests elsewhere have no listener.
        let reserve = Self.reserve(
            loops: loops,
            listeners: takers.count - 1,
            processes: configuration.exec.count
        )
        guard let budget = Self(limit: limit, reserve: reserve, takers: takers) else {
            let text = Self.refusal(limit: limit, reserve: reserve, takers: takers.count)
            throw ServeError(.configuration, code: "process.file_limit", message: text)
        }
        self = budget
    }

    /// Workers' listeners first, then the others as they stand in ``Descriptors``.
    private static func takers(
        _ configuration: Configuration,
        loops: Int
    ) -> [Taker] {
        let workers = configuration.allWorkerListeners.indices.map { number in
            Taker(
                name: number == 0 ? "workers" : "workers of worker_listener[\(number - 1)]",
                wanted: connections
            )
        }
        let page = configuration.observability.dashboard ? dashboardConnections : 0
        let others: [Taker] = [
            .init(name: "http.max_connections", wanted: Int(configuration.http.maxConnections)),
            .init(name: "streams", wanted: connections),
            .init(name: "dashboard", wanted: page),
            .init(name: "requests to functions elsewhere", wanted: loops * Limits.fetches),
        ]
        return workers + others
    }
}
