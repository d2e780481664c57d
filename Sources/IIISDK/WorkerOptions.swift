/// How a worker reaches its engine and behaves when that is away.
public struct WorkerOptions: Sendable {
    /// `ws://host:port[/path][?query]`; nil takes `III_URL`, else `ws://127.0.0.1:49134`.
    public var address: String?
    /// Sent as `Authorization: Bearer`; nil takes `III_TOKEN`, if that is not blank.
    public var token: String?
    /// Further headers of the handshake; an `Authorization` here wins over the token.
    public var headers: [String: String] = [:]
    /// Where this worker's functions live and its calls go; nil takes `III_NAMESPACE`, else the
    /// engine's default.
    public var namespace: String?
    /// Whether ``namespace`` was named for the calls themselves: those of the engine's own
    /// functions, which live in the default one, go there, too, and find none.
    package var isNamespaceOfCalls = false
    /// What listings say about the worker.
    public var description: String?
    /// How long a call waits for its answer.
    public var callTimeout: Duration = .seconds(30)
    /// How long ``Worker/connect(_:options:)`` goes on trying.
    public var connectTimeout: Duration = .seconds(30)
    /// How long a worker that drains waits for what it has begun.
    public var drainTimeout: Duration = .seconds(30)
    /// When to try again after the connection was lost.
    public var backoff = Backoff()
    /// How many calls are kept for later while the engine is away; the next one fails. With 0 each
    /// fails at once, with ``SDKError/Code/connectionLost``, or why no connection can be made.
    public var callsKeptOffline = 1000
    /// Told about what is wrong but not fatal, as a refused function; writes to standard error
    /// unless set. Runs on the connection's thread: must not block.
    public var onWarning: @Sendable (String) -> Void = { ProcessFacts.warn($0) }

    /// The defaults, and the environment.
    public init() {}
}

/// How long to wait before each attempt to connect again.
public struct Backoff: Sendable {
    /// Before the second attempt; each further delay is twice the one before.
    public var first: Duration = .seconds(1)
    /// The longest delay, before jitter.
    public var limit: Duration = .seconds(30)
    /// The part by which a delay is made longer or shorter at random, from 0 to 1, so that workers
    /// do not all come back at the same moment.
    public var jitter: Double = 0.3

    /// 1 s, doubling to 30 s, give or take 30 %.
    public init() {}

    /// The delay after `attempts` failed attempts in a row, `attempts` from 1.
    func delay(
        after attempts: Int,
        using generator: inout some RandomNumberGenerator
    ) -> Duration {
        let doublings = max(0, min(attempts - 1, 30))
        let base = min(first * (1 << doublings), limit)
        return base * Double.random(in: (1 - jitter)...(1 + jitter), using: &generator)
    }
}
