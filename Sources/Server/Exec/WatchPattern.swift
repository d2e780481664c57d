import Glibc

/// Which files count, of those beneath a directory. Of a glob such as `src/**/*.py` the directory
/// that it begins with counts, and the endings of names: what is between them does not.
struct WatchPattern: Equatable {
    /// Absolute.
    let root: String
    let names: Names

    enum Names: Equatable {
        case all
        /// With the dot.
        case endingWith([String])
        case exactly(String)
    }

    init(root: String, names: Names) {
        self.root = root
        self.names = names
    }

    /// `glob`, where it is not absolute, begins in `directory`. Without a wildcard it names a file,
    /// or a directory with all that is in it.
    init(_ glob: String, in directory: String) {
        let path = Configuration.absolute(glob, from: directory)
        let parts = path.split(separator: "/").map(String.init)
        let fixed = parts.prefix { !$0.contains { "*?[{".contains($0) } }
        guard fixed.count < parts.count, let last = parts.last else {
            var status = stat()
            let isDirectory = stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
            self.init(
                root: isDirectory ? path : Configuration.directory(of: path),
                names: isDirectory ? .all : .exactly(parts.last ?? "")
            )
            return
        }
        self.init(root: "/" + fixed.joined(separator: "/"), names: Self.names(of: last))
    }

    private static func names(of last: String) -> Names {
        guard let dot = last.lastIndex(of: ".") else { return .all }
        let ending = last[last.index(after: dot)...]
        if ending.hasPrefix("{"), ending.hasSuffix("}") {
            let alternatives = ending.dropFirst().dropLast().split(separator: ",")
            return .endingWith(alternatives.map { ".\($0)" })
        }
        return ending.contains { "*?[{".contains($0) } ? .all : .endingWith([".\(ending)"])
    }

    /// Source files beneath `directory`, of the languages that workers are written in.
    static func sources(in directory: String) -> WatchPattern {
        let endings = [
            "py", "js", "mjs", "cjs", "ts", "mts", "cts", "jsx", "tsx", "rb", "php", "go", "rs",
            "swift", "java", "kt", "cs", "ex", "exs", "sh", "toml", "yaml", "yml",
        ]
        return WatchPattern(root: directory, names: .endingWith(endings.map { ".\($0)" }))
    }

    /// Whether the file `name` in `directory` counts.
    func matches(_ name: String, in directory: String) -> Bool {
        guard covers(directory) else { return false }
        switch names {
        case .all: return true
        case .endingWith(let endings): return endings.contains { name.hasSuffix($0) }
        case .exactly(let own): return directory == root && name == own
        }
    }

    /// Whether `directory` is the root or beneath it.
    func covers(_ directory: String) -> Bool {
        directory == root || root == "/" || directory.hasPrefix("\(root)/")
    }

    /// Whether what is in directories beneath the root counts.
    var isDeep: Bool {
        if case .exactly = names { return false }
        return true
    }
}
