/// Rows that are measured together.
struct Group: Sendable {
    let name: String
    /// Takes minutes and gigabytes: runs only where it is named.
    var isLong = false
    /// Measures rounds of its own, and is not asked for more.
    var hasRounds = false
    /// Hands over each row as soon as it is measured.
    let run: @Sendable (Settings, (Measurement) -> Void) throws(Failure) -> Void

    /// In the order in which they run: what is compared stands close together, because a device
    /// changes with time.
    static let all = [
        Group(name: "log", run: LogFloor.run),
        Group(name: "device", run: DeviceFloor.run),
        Group(name: "enqueue", run: Enqueues.run),
        Group(name: "redis", run: Redis.run),
        Group(name: "postgres", run: Postgres.run),
        Group(name: "rabbitmq", run: RabbitMQ.run),
        Group(name: "nats", run: NATS.run),
        Group(name: "deliver", run: Deliveries.run),
        Group(name: "call", run: Calls.run),
        Group(name: "http", run: HTTPTriggers.run),
        Group(name: "web", run: Web.run),
        Group(name: "kv", run: KeyValues.run),
        Group(name: "hostile", hasRounds: true, run: Hostile.run),
        Group(name: "watching", hasRounds: true, run: Watching.run),
        Group(name: "idle", run: IdleEngine.run),
        Group(name: "workers", run: ManyWorkers.run),
        Group(name: "stalled", run: StalledPeer.run),
        Group(name: "restart", run: Restart.run),
        Group(name: "compression", run: Compressing.run),
        Group(name: "replay", run: Replays.run),
        Group(name: "batches", hasRounds: true, run: LogBatches.run),
        Group(name: "writer", hasRounds: true, run: Writers.run),
        Group(name: "streams", isLong: true, run: Streams.run),
        Group(name: "state", isLong: true, run: LargeState.run),
    ]
}
