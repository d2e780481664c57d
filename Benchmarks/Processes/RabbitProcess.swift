import Glibc

/// A `rabbitmq-server` of one node, with an `epmd` (Erlang's register of nodes) of its own.
final class RabbitProcess {
    let port: UInt16
    let child: Child
    private let register: Child
    private let scratch: Scratch

    // Not the wrapper of the same name on the path, which changes the user.
    private static let program = "/usr/lib/rabbitmq/bin/rabbitmq-server"

    /// - Parameter parent: where its directory goes.
    /// - Throws: when it does not start.
    init(in parent: String) throws(Failure) {
        guard access(Self.program, X_OK) == 0 else {
            throw .systemCall("run", Self.program)
        }
        scratch = try Scratch(in: parent)
        port = try Link.freePort()
        let path = scratch.path
        let registerPort = try Link.freePort()
        register = try Child(
            ["epmd", "-address", "127.0.0.1", "-port", "\(registerPort)"],
            log: "\(path)/epmd.log"
        )
        try register.awaitPort(registerPort, within: 5)
        try File.write("[].\n", to: "\(path)/enabled_plugins")
        let settings = [
            "HOME": path,
            "ERL_EPMD_PORT": "\(registerPort)",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": "bench\(getpid())@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": "\(port)",
            "RABBITMQ_DIST_PORT": "\(try Link.freePort())",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS":
                "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_MNESIA_BASE": "\(path)/mnesia",
            "RABBITMQ_LOG_BASE": "\(path)/log",
            "RABBITMQ_CONF_ENV_FILE": "\(path)/none.conf",
            "RABBITMQ_CONFIG_FILE": "\(path)/rabbitmq",
            "RABBITMQ_ENABLED_PLUGINS_FILE": "\(path)/enabled_plugins",
            // Makes the script become the server, instead of waiting for it.
            "RABBITMQ_ALLOW_INPUT": "1",
        ]
        let environment = settings.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        child = try Child(
            ["env"] + environment + [Self.program, "-noinput"],
            log: "\(path)/rabbitmq.log"
        )
        try child.awaitPort(port, within: 60)
    }
}
