import Glibc
import Primitives

/// What a worker process finds in its environment: what a shell and a language need, what the
/// configuration names, and where the engine is; not the engine's own settings and secrets.
struct ChildEnvironment {
    /// Of the engine's environment.
    private static let always = [
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR",
        "TERM", "COLORTERM", "NO_COLOR", "HOSTNAME", "XDG_*", "LD_LIBRARY_PATH", "SSL_CERT_*",
        "[hH][tT][tT][pP]_[pP][rR][oO][xX][yY]", "[hH][tT][tT][pP][sS]_[pP][rR][oO][xX][yY]",
        "[nN][oO]_[pP][rR][oO][xX][yY]", "VIRTUAL_ENV", "PYTHON*", "NODE_*",
    ].compactMap { Glob($0) }

    private let values: [String: String]

    /// `environment` is the engine's own, and `url` where workers connect.
    init(of exec: Configuration.Exec, _ environment: [String: String], url: String) {
        let patterns = Self.always + exec.inheritEnvironment.compactMap { Glob($0) }
        var values = environment.filter { name, _ in patterns.contains { $0.matches(name) } }
        // Else lines of Python come in blocks of 8 KiB, long after they were written.
        values["PYTHONUNBUFFERED"] = values["PYTHONUNBUFFERED"] ?? "1"
        values["III_URL"] = url
        values["III_ENGINE_URL"] = url
        values["III_ENGINE_PID"] = String(getpid())
        values["III_WORKER_NAME"] = exec.name
        self.values = values.merging(exec.environment) { $1 }
    }

    var path: String { values["PATH"] ?? "/usr/local/bin:/usr/bin:/bin" }

    /// As execve(2) takes it, in the order of the names.
    var entries: [String] { values.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" } }
}
