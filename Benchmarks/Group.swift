/// Rows that are measured together.
struct Group: Sendable {
    let name: String
    /// Hands over each row as soon as it is measured.
    let run: @Sendable (Settings, (Measurement) -> Void) throws(Failure) -> Void

    static let all = [
        Group(name: "device", run: DeviceFloor.run),
        Group(name: "log", run: LogFloor.run),
        Group(name: "enqueue", run: Enqueues.run),
        Group(name: "redis", run: Redis.run),
        Group(name: "deliver", run: Deliveries.run),
        Group(name: "call", run: Calls.run),
        Group(name: "http", run: HTTPTriggers.run),
        Group(name: "idle", run: IdleEngine.run),
    ]
}
