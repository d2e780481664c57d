/// What holds for the requests of all HTTP triggers.
package struct HTTPRules: Equatable, Sendable {
    /// Functions that are asked in this order before anything of the route.
    package var middleware: [String] = []
    /// How long one middleware function may take, in nanoseconds.
    package var middlewareTimeout: UInt64 = 30_000_000_000
    /// Requests that are worked on at the same time, at least 1; more wait.
    package var concurrency = 1024
    /// Headers whose values are not recorded.
    package var secrets = SecretHeaders()

    package init() {}
}
