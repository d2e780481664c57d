package import NIOSSL
import Synchronization

/// What TLS towards other servers needs. The certificates to trust are read when they are first
/// asked for: most engines make no such request, and the system's store takes 8 MiB.
package final class ClientTLS: Sendable {
    private let configuration: TLSConfiguration
    private let loaded = Mutex<NIOSSLContext?>(nil)

    package init(_ configuration: TLSConfiguration) { self.configuration = configuration }

    /// - Throws: ``NIOSSLError`` where the certificates cannot be read.
    package func context() throws -> NIOSSLContext {
        try loaded.withLock { loaded in
            if let loaded { return loaded }
            let context = try NIOSSLContext(configuration: configuration)
            loaded = context
            return context
        }
    }
}
