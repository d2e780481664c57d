// The C library's `environ` is a variable that any thread could change; nothing here does.
@preconcurrency import Glibc

extension Configuration.Sources {
    /// The flags of a command line, in the surroundings of this process.
    ///
    /// Called before the process has threads that change its environment.
    package static func process(
        file: String?,
        settings: [String],
        data: String?
    ) -> Configuration.Sources {
        Configuration.Sources(
            file: file,
            settings: settings,
            data: data,
            environment: environment(),
            workingDirectory: workingDirectory()
        )
    }

    static func environment() -> [String: String] {
        var variables: [String: String] = [:]
        var next = environ
        while let line = next.pointee {
            let text = String(cString: line)
            if let equals = text.firstIndex(of: "=") {
                variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            next += 1
        }
        return variables
    }

    /// Nil where the directory that the process was started in is gone.
    private static func workingDirectory() -> String? {
        guard let path = getcwd(nil, 0) else { return nil }
        defer { free(path) }
        return String(cString: path)
    }
}
