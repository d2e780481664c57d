/// A `redis-server` that keeps an append-only file.
final class RedisProcess {
    let port: UInt16
    let child: Child
    private let scratch: Scratch

    /// - Parameters:
    ///   - fsync: `always` or `everysec`.
    ///   - parent: where its directory goes.
    /// - Throws: when it does not start.
    init(fsync: String, in parent: String) throws(Failure) {
        scratch = try Scratch(in: parent)
        port = try Link.freePort()
        child = try Child(
            [
                "redis-server", "--port", "\(port)", "--bind", "127.0.0.1", "--dir", scratch.path,
                "--appendonly", "yes", "--appendfsync", fsync, "--save", "",
                "--auto-aof-rewrite-percentage", "0",
            ],
            log: "\(scratch.path)/redis.log"
        )
        try child.awaitPort(port, within: 5)
    }
}
