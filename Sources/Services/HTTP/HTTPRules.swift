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

    /// How long a request's `Idempotency-Key` counts, in nanoseconds; 0: it is the function's own.
    package var idempotencyExpiry: UInt64 = 86_400_000_000_000
    /// How many keys are remembered; above it the oldest is forgotten.
    package var idempotencyKeys = 200_000

    /// How long after a start of the engine the routes of the life before are expected back, in
    /// nanoseconds; 0: they are not.
    package var reconnectGrace: UInt64 = 10_000_000_000

    package init() {}
}
