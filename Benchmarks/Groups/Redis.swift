/// `XADD` of 256 bytes to a redis-server that keeps an append-only file: what is enqueued is on
/// disk when it is answered (`always`), or within a second (`everysec`).
enum Redis {
    static let always = "redis XADD, always"
    static let everySecond = "redis XADD, everysec"

    private static let everySecondLoads = [
        Load(connections: 64, depth: 1), Load(connections: 16, depth: 64),
    ]

    static func run(_ settings: Settings, _ row: (Measurement) -> Void) throws(Failure) {
        Peer.measure(always, settings, row) { (load) throws(Failure) in
            try measure(always, "always", load, settings)
        }
        Peer.measure(everySecond, at: everySecondLoads, settings, row) { (load) throws(Failure) in
            try measure(everySecond, "everysec", load, settings)
        }
    }

    private static func measure(
        _ system: String,
        _ fsync: String,
        _ load: Load,
        _ settings: Settings
    ) throws(Failure) -> Measurement {
        let redis = try RedisProcess(fsync: fsync, in: settings.scratch)
        let request =
            "*5\r\n$4\r\nXADD\r\n$5\r\nbench\r\n$1\r\n*\r\n$4\r\ndata\r\n$256\r\n"
            + String(repeating: "x", count: 256) + "\r\n"
        let pipe = try Pipeline(
            request,
            load,
            port: redis.port,
            on: Reactor(),
            settings.plan,
            extent: replyExtent
        )
        let served = try redis.child.serve(pipe.run)
        let notes = fsync == "always" ? "" : "may lose a second"
        return Measurement(Enqueues.bench, system, clients: load.name, served, notes: notes)
    }

    /// Bytes of the reply at the beginning, `$15\r\n<15 bytes>\r\n`; nil while it is not whole.
    private static func replyExtent(_ bytes: UnsafeRawBufferPointer) throws(Failure) -> Int? {
        guard let first = bytes.first else { return nil }
        var length = 0
        for (index, byte) in bytes.enumerated().dropFirst() {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                length = 10 * length + Int(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "\r") where first == UInt8(ascii: "$"):
                let extent = index + 2 + length + 2
                return bytes.count >= extent ? extent : nil
            default:
                throw Failure("redis answered \(String(decoding: bytes, as: UTF8.self))")
            }
        }
        return nil
    }
}
