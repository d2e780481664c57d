import Disk
import Engine
import Glibc

/// The file that gets the ports that are listened on: there as long as somebody listens there.
enum PortsFile {
    /// Removes what a life of the engine has left that could not remove it; nil: there is no such
    /// file. That of an engine which has the directory `data` stays.
    static func removeStale(_ path: String?, data: String) {
        // Where the directory cannot be looked at, the start fails over it.
        guard let condition = try? DataDirectory.condition(of: data) else { return }
        if case .held = condition { return }
        remove(path)
    }

    /// Removes the file; nil: there is none.
    static func remove(_ path: String?) {
        if let path { unlink(path) }
    }

    /// Written beside and renamed, so that whoever waits for the file finds it whole. A full disk
    /// is a pause for the engine, and so no reason not to start: there is no file then, not even
    /// one that an earlier life has left, for that would name other ports.
    ///
    /// - Returns: what to tell of a full disk; nil: it is written.
    /// - Throws: `ports_file` where it cannot be written for another reason.
    static func write(_ text: String, to path: String) throws(ServeError) -> Notice? {
        guard let problem = replace(path, with: text) else { return nil }
        let reason = "cannot write the ports file \(path): \(String(cString: strerror(problem)))"
        guard problem == ENOSPC || problem == EDQUOT else {
            throw ServeError(.configuration, code: "ports_file", message: reason)
        }
        unlink(path)
        return Notice(severity: .warning, text: "\(reason); the engine goes on without it")
    }

    /// - Returns: the number of the error; nil: there is none.
    private static func replace(_ path: String, with text: String) -> Int32? {
        let temporary = "\(path).tmp"
        let file = Glibc.open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { return errno }
        let bytes = Array(text.utf8)
        let count = Glibc.write(file, bytes, bytes.count)
        // There was no room for the rest where only some of so few bytes were written.
        var problem = count < 0 ? errno : count < bytes.count ? ENOSPC : 0
        if Glibc.close(file) != 0, problem == 0 { problem = errno }
        if problem == 0, rename(temporary, path) != 0 { problem = errno }
        guard problem != 0 else { return nil }
        unlink(temporary)
        return problem
    }
}
