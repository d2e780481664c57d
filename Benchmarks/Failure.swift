import Glibc

/// Why a point could not be measured.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    /// The failure of a system call, from `errno`.
    static func systemCall(_ name: String, _ object: String) -> Failure {
        let code = errno
        return Failure("\(name) \(object): \(String(cString: strerror(code)))")
    }
}
