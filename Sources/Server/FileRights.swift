import Glibc

/// Who beside its owner may do what with a file.
struct FileRights {
    private let mode: mode_t
    private let owner: uid_t
    private let group: gid_t

    init(mode: mode_t, owner: uid_t, group: gid_t) {
        self.mode = mode
        self.owner = owner
        self.group = group
    }

    /// Nil where nothing is at `path`, or no file: the modes of pipes and devices say nothing of
    /// what is read from them.
    init?(of path: String) {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        self.init(mode: status.st_mode, owner: status.st_uid, group: status.st_gid)
    }

    var everybodyWrites: Bool { mode & 0o002 != 0 }

    var othersWrite: Bool { everybodyWrites || mode & 0o020 != 0 && !isOwnGroup }

    var othersRead: Bool { mode & 0o004 != 0 || mode & 0o040 != 0 && !isOwnGroup }

    /// Whether the group is the one that its owner has alone on most systems, where the usual umask
    /// is 002 for that reason.
    private var isOwnGroup: Bool {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16 << 10)
        let problem = getpwuid_r(owner, &entry, &buffer, buffer.count, &found)
        // Whom a container knows no name of has the group of the same number.
        guard problem == 0, found != nil else { return group == owner }
        return entry.pw_gid == group
    }
}
