/// How much memory the views may spend on what the log holds as well: payloads and values that are
/// kept to be at hand, and read back where they are not.
///
/// A class, so that the views share one. Only the core thread touches it.
package final class MemoryBudget {
    package let bytes: Int
    package private(set) var used = 0

    /// - Parameter bytes: the most that may be kept.
    package init(bytes: Int) {
        precondition(bytes >= 0)
        self.bytes = bytes
    }

    /// Takes `count` bytes if there are so many left.
    package func take(_ count: Int) -> Bool {
        guard count <= bytes - used else { return false }
        used += count
        return true
    }

    package func give(back count: Int) {
        used -= count
        precondition(used >= 0)
    }
}
