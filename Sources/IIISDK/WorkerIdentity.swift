import JSON
import WorkerProtocol

/// Who a worker is and whom it talks to, settled before the first connection.
struct WorkerIdentity: Sendable {
    /// The version of this SDK.
    static let version = "0.1.0"

    let name: String
    let address: EngineAddress
    let headers: [(name: String, value: String)]
    /// Nil for the engine's default.
    let namespace: String?
    private let isNamespaceOfCalls: Bool
    private let description: String?

    /// Where the environment counts: `III_WORKER_NAME` wins over `name` if `environmentName` says
    /// so; the other variables fill in what `options` leaves open.
    init(
        name: String?,
        options: WorkerOptions,
        environmentName: Bool
    ) throws(SDKError) {
        let override = environmentName ? ProcessFacts.environment("III_WORKER_NAME") : nil
        self.name =
            override ?? name ?? "\(ProcessFacts.hostName):\(ProcessFacts.processID)"
        address = try EngineAddress(
            options.address ?? ProcessFacts.environment("III_URL") ?? EngineAddress.standard
        )
        var headers = options.headers.map { (name: $0.key, value: $0.value) }
        if !headers.contains(where: { $0.name.lowercased() == "authorization" }),
            let token = options.token ?? ProcessFacts.environment("III_TOKEN")
        {
            headers.append(("Authorization", "Bearer \(token)"))
        }
        self.headers = headers
        namespace = options.namespace ?? ProcessFacts.environment("III_NAMESPACE")
        isNamespaceOfCalls = options.isNamespaceOfCalls
        description = options.description
    }

    /// The call that tells the engine all this (protocol 6.1).
    var introduction: InvokeFrame {
        var builder = JSONBuilder()
        builder.beginObject()
        builder.key("runtime")
        builder.string("swift")
        builder.key("version")
        builder.string(Self.version)
        builder.key("name")
        builder.string(name)
        builder.key("pid")
        builder.integer(ProcessFacts.processID)
        builder.key("os")
        builder.string(ProcessFacts.operatingSystem)
        let optional = [
            ("description", description), ("namespace", namespace),
            ("isolation", ProcessFacts.environment("III_ISOLATION")),
        ]
        for (key, value) in optional {
            guard let value else { continue }
            builder.key(key)
            builder.string(value)
        }
        builder.key("features")
        builder.beginArray()
        builder.string("large-messages.v1")
        builder.endArray()
        builder.endObject()
        return InvokeFrame(
            invocationID: nil,
            functionID: "engine::workers::register",
            data: builder.finish().bytes,
            action: .void
        )
    }

    /// The namespace that a call of `functionID` names: that of the worker, but the engine's own
    /// functions live in the default one (protocol 3.3), unless the caller says where to look.
    func namespace(of functionID: String) -> String? {
        guard let namespace, !isNamespaceOfCalls else { return namespace }
        let engineOwned = ["engine::", "configuration::", "state::", "stream::", "iii::"]
        return engineOwned.contains { functionID.hasPrefix($0) } ? "default" : namespace
    }
}
