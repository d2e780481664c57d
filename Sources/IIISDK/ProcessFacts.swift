import Glibc

/// What the process knows about itself and its surroundings.
enum ProcessFacts {
    /// The value of an environment variable, if it is set and not blank.
    static func environment(_ name: String) -> String? {
        guard let value = getenv(name) else { return nil }
        let text = String(cString: value)
        return text.allSatisfy(\.isWhitespace) ? nil : text
    }

    static var processID: Int { Int(getpid()) }

    /// `Linux 6.1.0 (x86_64)`
    static var operatingSystem: String {
        var names = utsname()
        guard uname(&names) == 0 else { return "Linux" }
        let system = withUnsafeBytes(of: names.sysname) { text($0) }
        let release = withUnsafeBytes(of: names.release) { text($0) }
        let machine = withUnsafeBytes(of: names.machine) { text($0) }
        return "\(system) \(release) (\(machine))"
    }

    static var hostName: String {
        var names = utsname()
        guard uname(&names) == 0 else { return "localhost" }
        return withUnsafeBytes(of: names.nodename) { text($0) }
    }

    /// Writes one line to standard error.
    static func warn(_ message: String) {
        let line = Array("iii: \(message)\n".utf8)
        _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    private static func text(_ field: UnsafeRawBufferPointer) -> String {
        String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
    }
}
