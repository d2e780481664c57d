import Glibc
import NIOCore
import NIOSSL
import Synchronization

/// A server's certificate and key, read anew when their files change: connections that come after
/// that get the new ones, and those that are there keep theirs.
package final class TLSIdentity: Sendable {
    /// What tells two versions of a file apart.
    private struct Stamp: Equatable {
        var inode: UInt = 0
        var size = 0
        var seconds = 0
        var nanoseconds = 0
    }

    private struct State {
        var context: NIOSSLContext
        /// Of the files when they were looked at last.
        var stamps: [Stamp]
        var looked: NIODeadline
    }

    private let certificate: String
    private let key: String
    private let changed: @Sendable (TLSChange) -> Void
    private let state: Mutex<State>

    /// Reads both files; `changed` is told when others have been read since, or cannot be.
    ///
    /// - Throws: where they cannot be read, or do not belong together.
    package init(
        certificate: String,
        key: String,
        changed: @escaping @Sendable (TLSChange) -> Void
    ) throws(TLSIdentityError) {
        self.certificate = certificate
        self.key = key
        self.changed = changed
        let stamps = [Self.stamp(of: certificate), Self.stamp(of: key)]
        let context = try Self.read(certificate, key)
        state = Mutex(State(context: context, stamps: stamps, looked: .now()))
    }

    /// For a connection that has come. Looks at the files once a second at most: a change of both
    /// takes two of them where they are written between.
    func context() -> NIOSSLContext {
        let (context, change) = state.withLock { state in
            let change = look(&state)
            return (state.context, change)
        }
        if let change { changed(change) }
        return context
    }

    private func look(_ state: inout State) -> TLSChange? {
        let now = NIODeadline.now()
        guard now - state.looked >= .seconds(1) else { return nil }
        state.looked = now
        let stamps = [Self.stamp(of: certificate), Self.stamp(of: key)]
        guard stamps != state.stamps else { return nil }
        state.stamps = stamps
        do throws(TLSIdentityError) {
            state.context = try Self.read(certificate, key)
            return .renewed(certificate: certificate)
        } catch {
            return .failed(error)
        }
    }

    private static func stamp(of path: String) -> Stamp {
        var status = stat()
        guard stat(path, &status) == 0 else { return Stamp() }
        return Stamp(
            inode: UInt(status.st_ino),
            size: Int(status.st_size),
            seconds: Int(status.st_mtim.tv_sec),
            nanoseconds: Int(status.st_mtim.tv_nsec)
        )
    }

    private static func read(
        _ certificate: String,
        _ key: String
    ) throws(TLSIdentityError) -> NIOSSLContext {
        let chain: [NIOSSLCertificate]
        do { chain = try NIOSSLCertificate.fromPEMFile(certificate) } catch {
            throw TLSIdentityError(path: certificate, reason: "no certificates in PEM: \(error)")
        }
        let privateKey: NIOSSLPrivateKey
        do { privateKey = try NIOSSLPrivateKey(file: key, format: .pem) } catch {
            throw TLSIdentityError(path: key, reason: "no private key in PEM: \(error)")
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(privateKey)
        )
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["h2", "http/1.1"]
        do { return try NIOSSLContext(configuration: configuration) } catch {
            throw TLSIdentityError(
                path: certificate,
                reason: "the certificate and the key of \(key) do not belong together: \(error)"
            )
        }
    }
}

/// What became of files that have changed.
package enum TLSChange: Sendable {
    case renewed(certificate: String)
    /// The old ones are used on.
    case failed(TLSIdentityError)
}

/// Why a certificate cannot be used.
package struct TLSIdentityError: Error, Sendable, CustomStringConvertible {
    package let path: String
    package let reason: String

    package var description: String { "\(path): \(reason)" }
}
