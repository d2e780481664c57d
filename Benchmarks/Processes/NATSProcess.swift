/// A `nats-server` with JetStream in files, that syncs each message.
final class NATSProcess {
    let port: UInt16
    let child: Child
    /// By what it syncs.
    let durability: String
    private let scratch: Scratch

    // Debian's place, which is not on everybody's path.
    private static let program = "/usr/sbin/nats-server"
    private static let setting = "sync_interval: always"

    /// - Parameter parent: where its directory goes.
    /// - Throws: when it does not start, or cannot be made to sync each message.
    init(in parent: String) throws(Failure) {
        scratch = try Scratch(in: parent)
        port = try Link.freePort()
        let file = "\(scratch.path)/nats.conf"
        let log = "\(scratch.path)/nats.log"
        try File.write(Self.configuration(port, scratch.path, Self.setting), to: file)
        do throws(Failure) {
            try Child([Self.program, "-c", file, "-t"], log: log).finish(within: 5)
            durability = Self.setting
        } catch {
            // Before 2.10 it has no such setting, and nothing is synced for two minutes. So the
            // file system is told to sync every write to the files that it makes.
            try File.write(Self.configuration(port, scratch.path, ""), to: file)
            try Child([Self.program, "-c", file, "-t"], log: log).finish(within: 5)
            try Child(["chattr", "+S", scratch.path], log: log).finish(within: 5)
            durability = "synchronous files (chattr +S): it has no sync_interval"
        }
        child = try Child([Self.program, "-c", file], log: log)
        try child.awaitPort(port, within: 10)
    }

    private static func configuration(_ port: UInt16, _ path: String, _ sync: String) -> String {
        """
        listen: "127.0.0.1:\(port)"
        jetstream {
            store_dir: "\(path)"
            max_file_store: 4GB
            \(sync)
        }

        """
    }
}
