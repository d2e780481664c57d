import DequeModule
import Primitives

/// Registrations of one worker that wait: for its namespace, or for what a hook says to an earlier
/// one. Whoever sends more than there is room for is cut off (``Engine/cutOff(_:)``): what has no
/// room cannot be left out, since a worker is not told of that.
struct RegistrationQueue {
    private var waiting: Deque<Registration> = []
    private var bytes = 0

    var count: Int { waiting.count }

    /// - Returns: false: there is no room for it.
    mutating func append(_ registration: Registration) -> Bool {
        let size = registration.byteCount
        guard waiting.count < Limits.waitingRegistrations,
            bytes + size <= Limits.waitingRegistrationBytes
        else { return false }
        waiting.append(registration)
        bytes += size
        return true
    }

    mutating func popFirst() -> Registration? {
        guard let first = waiting.popFirst() else { return nil }
        bytes -= first.byteCount
        return first
    }
}
