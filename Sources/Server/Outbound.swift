import Glibc
import HTTPFunctions
import HTTPInvoker
import NIOPosix
import NIOSSL
import Primitives

extension InvokerSettings {
    /// What the configuration and this process's environment say about outbound requests, which
    /// take their file descriptors from `descriptors`.
    ///
    /// - Throws: where the certificates to trust cannot be read.
    init(_ whole: Configuration, _ descriptors: DescriptorShare) throws(ServeError) {
        let configuration = whole.httpFunctions
        let environment = Configuration.Sources.environment()
        let policy = configuration.policy(
            environment,
            ownAddresses: Resolver.ownAddresses(),
            others: whole.allWorkerListeners.flatMap { $0.access.secrets ?? [] }
        )
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        tls.applicationProtocols = ["http/1.1"]
        if let file = configuration.caFile { tls.trustRoots = .file(file) }
        let clientTLS = ClientTLS(tls)
        if let file = configuration.caFile {
            do {
                _ = try clientTLS.context()
            } catch {
                throw ServeError(
                    .configuration,
                    code: "http_functions.ca_file",
                    message: "cannot read certificates from \(file): \(error)"
                )
            }
        }
        self.init(
            policy: policy,
            secrets: environment.filter { policy.knownSecrets.contains($0.key) },
            responseBytes: configuration.maxResponseBytes,
            resolver: .system,
            tls: clientTLS
        )
        self.descriptors = descriptors
    }
}
