import Glibc

/// An `etcd` of one member.
final class EtcdProcess {
    let port: UInt16
    let child: Child
    private let scratch: Scratch

    /// - Parameter parent: where its directory goes.
    /// - Throws: when it does not start.
    init(in parent: String) throws(Failure) {
        scratch = try Scratch(in: parent)
        port = try Link.freePort()
        let clients = "http://127.0.0.1:\(port)"
        let peers = "http://127.0.0.1:\(try Link.freePort())"
        child = try Child(
            [
                "etcd", "--name", "bench", "--data-dir", "\(scratch.path)/data",
                "--listen-client-urls", clients, "--advertise-client-urls", clients,
                "--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers,
                "--initial-cluster", "bench=\(peers)", "--quota-backend-bytes", "8589934592",
                "--logger", "zap", "--log-level", "error",
            ],
            log: "\(scratch.path)/etcd.log",
            stopSignal: SIGTERM
        )
        try child.awaitPort(port, within: 20)
    }
}
