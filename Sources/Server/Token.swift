import AccessControl
import Disk
import Engine
import Glibc
import NetServer
import Primitives

/// The token that peers beyond loopback must show.
enum Token {
    /// One that was found or made.
    struct Found {
        let text: String
        /// The file that was made for it; nil: whoever runs the engine has it already.
        var made: String?
    }

    /// - Returns: nil where all addresses for workers are on loopback, or ask a function about
    ///   their peers, and those for streams and the dashboard are on loopback.
    static func forPeers(
        of configuration: Configuration,
        report: Report
    ) throws(ServeError) -> Found? {
        if let token = configuration.security.token { return Found(text: token) }
        if let path = configuration.security.tokenFile {
            let token = try read(path)
            for text in weaknesses(of: token, in: path) {
                report.notice(Notice(severity: .warning, text: text))
            }
            return Found(text: token)
        }
        let asking = configuration.allWorkerListeners.filter {
            !$0.address.isLoopback && $0.access.rbac?.authentication == nil
        }
        let observability = configuration.observability
        let hasRemoteDashboard =
            observability.dashboard && !observability.dashboardAddress.isLoopback
        guard
            !asking.isEmpty || !configuration.stream.address.isLoopback || hasRemoteDashboard
        else { return nil }
        let path = configuration.engine.data + "/token"
        // The directory is the engine's own: what leads elsewhere was put there by somebody else.
        // Nor is it waited for, as a pipe would be.
        if access(path, F_OK) == 0 {
            return Found(text: try read(path, options: O_NOFOLLOW | O_NONBLOCK))
        }
        return Found(text: try make(path), made: path)
    }

    /// What a token should have at the least, in bytes.
    private static let bytesMin = 16

    /// Why a token that somebody chose protects little; nil: nothing tells.
    static func weakness(of token: String) -> String? {
        guard token.utf8.count < bytesMin else { return nil }
        return "is shorter than \(bytesMin) characters and can be guessed: take a random one, as "
            + "`openssl rand -hex 32` prints it"
    }

    /// What whoever runs the engine should know of a token and its file.
    static func weaknesses(of token: String, in path: String) -> [String] {
        var found: [String] = []
        if let weakness = weakness(of: token) { found.append("the token of \(path) \(weakness)") }
        if let rights = FileRights(of: path), rights.othersRead || rights.othersWrite {
            found.append("the token file \(path) is open to others: chmod 600 \(path)")
        }
        return found
    }

    /// The token of a file; `options` are of open(2).
    static func read(_ path: String, options: Int32 = 0) throws(ServeError) -> String {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try SmallFile.read(path, limit: 4096, options: options)
        } catch {
            throw failure(path, "read", error)
        }
        let text = String(decoding: bytes, as: UTF8.self)
        guard let token = text.split(whereSeparator: \.isWhitespace).first else {
            throw ServeError(
                .configuration,
                code: "security.token",
                message: "the token file \(path) holds no token"
            )
        }
        return String(token)
    }

    /// 256 random bits in a file for the owner alone.
    private static func make(_ path: String) throws(ServeError) -> String {
        var entropy = SystemEntropy()
        let token = (0..<4).map { _ in hexadecimal(entropy.next()) }.joined()
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw failure(path, "create") }
        defer { close(file) }
        let bytes = Array("\(token)\n".utf8)
        guard write(file, bytes, bytes.count) == bytes.count, fsync(file) == 0 else {
            throw failure(path, "write")
        }
        return token
    }

    private static func failure(
        _ path: String,
        _ what: String,
        _ error: SystemError = SystemError(number: errno)
    ) -> ServeError {
        ServeError(
            .configuration,
            code: "security.token",
            message: "cannot \(what) the token file \(path): \(error)"
        )
    }
}
