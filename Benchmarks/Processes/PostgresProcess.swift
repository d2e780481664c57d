import Glibc

/// A PostgreSQL server on a new cluster, with the settings that it comes with.
final class PostgresProcess {
    let port: UInt16
    let child: Child
    private let scratch: Scratch

    private static let versions = "/usr/lib/postgresql"
    /// Whom it runs as when this program's user is root, whom it refuses. Debian's package has him.
    private static let user = "postgres"

    /// - Parameter parent: where its directory goes; its user must be able to pass through.
    /// - Throws: when it does not start.
    init(in parent: String) throws(Failure) {
        let found = File.names(in: Self.versions).compactMap { Int($0) }.max()
        guard let version = found else { throw Failure("no PostgreSQL in \(Self.versions)") }
        let programs = "\(Self.versions)/\(version)/bin"
        scratch = try Scratch(in: parent)
        let user = geteuid() == 0 ? Self.user : nil
        if let user {
            guard let entry = getpwnam(user) else { throw Failure("there is no user \(user)") }
            guard chown(scratch.path, entry.pointee.pw_uid, entry.pointee.pw_gid) == 0 else {
                throw .systemCall("chown", scratch.path)
            }
        }
        port = try Link.freePort()
        let data = "\(scratch.path)/data"
        try Child(
            [
                "\(programs)/initdb", "-D", data, "-U", "bench", "--auth=trust", "--locale=C",
                "--encoding=UTF8",
            ],
            as: user,
            log: "\(scratch.path)/initdb.log"
        ).finish(within: 60)
        child = try Child(
            [
                "\(programs)/postgres", "-D", data, "-p", "\(port)",
                "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
                "-c", "synchronous_commit=on", "-c", "fsync=on",
                // Nothing of it outlives its directory.
                "-c", "dynamic_shared_memory_type=mmap",
            ],
            as: user,
            log: "\(scratch.path)/postgres.log",
            stopSignal: SIGINT
        )
        try child.awaitPort(port, within: 30)
        try awaitSessions()
    }

    /// It listens before it takes sessions, and refuses them until it does.
    private func awaitSessions() throws(Failure) {
        let deadline = Monotonic.now() + 30_000_000_000
        while true {
            try child.check()
            do throws(Failure) {
                let reactor = Reactor()
                let link = try Link(port: port)
                try reactor.add(link)
                _ = try PostgresClient(link, on: reactor)
                return
            } catch {
                if Monotonic.now() > deadline { throw error }
            }
            usleep(10_000)
        }
    }
}
