import Disk
import Glibc

/// Sees files change, come and go beneath directories (inotify(7)). For one thread.
///
/// What tools keep beside sources does not count: hidden directories, `node_modules`,
/// `__pycache__`, virtual environments of Python.
final class FileWatch {
    let descriptor: Int32
    private let patterns: [WatchPattern]
    /// Directories that do not count, absolute.
    private let ignored: [String]
    private var directories: [Int32: String] = [:]
    /// What could not be watched, as it is told.
    private(set) var problems: [String] = []

    /// Of directories.
    private static let most = 4096
    private static let arrivals = UInt32(IN_CREATE | IN_MOVED_TO)
    private static let events = UInt32(
        IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ONLYDIR
    )

    /// - Throws: what the system refused.
    init(
        _ patterns: [WatchPattern],
        ignoring ignored: [String]
    ) throws(SystemError) {
        let made = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        guard made >= 0 else { throw SystemError(number: errno) }
        self.patterns = patterns
        self.ignored = ignored
        descriptor = made
        for pattern in patterns {
            // A build may remove it and make it again.
            if pattern.root != "/" { add(Configuration.directory(of: pattern.root)) }
            add(pattern.root)
            if pattern.isDeep { addAll(in: pattern.root) }
        }
    }

    deinit { close(descriptor) }

    private func add(_ directory: String) {
        guard directories.count < Self.most else {
            return tell("more than \(Self.most) directories: changes in others are not seen")
        }
        let number = inotify_add_watch(descriptor, directory, Self.events)
        guard number < 0 else { return directories[number] = directory }
        // One that is gone again has no files.
        let isThere = access(directory, F_OK) == 0
        if isThere || patterns.contains(where: { $0.root == directory }) {
            tell("\(directory): \(String(cString: strerror(errno)))")
        }
    }

    private func tell(_ problem: String) {
        if !problems.contains(problem) { problems.append(problem) }
    }

    /// Adds all directories beneath `directory` that count.
    private func addAll(in directory: String) {
        for name in namesInDirectory(directory) ?? [] where counts(name, in: directory) {
            let path = Configuration.absolute(name, from: directory)
            var status = stat()
            guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { continue }
            add(path)
            addAll(in: path)
        }
    }

    private func counts(_ name: String, in directory: String) -> Bool {
        if name.hasPrefix(".") || ["node_modules", "__pycache__"].contains(name) { return false }
        let path = Configuration.absolute(name, from: directory)
        return !ignored.contains(path) && access("\(path)/pyvenv.cfg", F_OK) != 0
    }

    /// Reads what has happened since the last call.
    ///
    /// - Returns: whether any file that counts has changed.
    func takeChanges() -> Bool {
        var hasChanged = false
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(descriptor, &bytes, bytes.count)
            guard count > 0 else { return hasChanged }
            let size = MemoryLayout<inotify_event>.size
            var place = 0
            while place + size <= count {
                let event = bytes.withUnsafeBytes {
                    $0.loadUnaligned(fromByteOffset: place, as: inotify_event.self)
                }
                let name = bytes[(place + size)..<(place + size + Int(event.len))]
                place += size + Int(event.len)
                let text = String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
                if take(event, text) { hasChanged = true }
            }
        }
    }

    private func take(_ event: inotify_event, _ name: String) -> Bool {
        // What overflowed may have been anything.
        if event.mask & UInt32(IN_Q_OVERFLOW) != 0 { return true }
        if event.mask & UInt32(IN_IGNORED) != 0 {
            directories[event.wd] = nil
            return false
        }
        guard let directory = directories[event.wd] else { return false }
        if event.mask & UInt32(bitPattern: Int32(IN_ISDIR)) != 0 {
            return takeDirectory(name, in: directory, isNew: event.mask & Self.arrivals != 0)
        }
        // Its end is told when it has been written.
        if event.mask & UInt32(IN_CREATE) != 0 { return false }
        return patterns.contains { $0.matches(name, in: directory) }
    }

    /// - Returns: whether files that count may have gone with it, or came before there was a watch.
    private func takeDirectory(_ name: String, in directory: String, isNew: Bool) -> Bool {
        let path = Configuration.absolute(name, from: directory)
        let roots = patterns.filter { $0.root == path }
        let isBeneath = patterns.contains { $0.isDeep && $0.covers(directory) }
        guard !roots.isEmpty || isBeneath && counts(name, in: directory) else { return false }
        guard isNew else { return true }
        add(path)
        if isBeneath || roots.contains(where: \.isDeep) { addAll(in: path) }
        return directories.values.contains { place in
            guard place == path || place.hasPrefix("\(path)/") else { return false }
            let names = namesInDirectory(place) ?? []
            return names.contains { file in
                patterns.contains { $0.matches(file, in: place) }
            }
        }
    }
}
