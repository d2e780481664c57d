import Synchronization

/// File descriptors that several takers share, as many as this process can spare for them.
package final class DescriptorPool: Sendable {
    private let free: Mutex<Int>

    package init(_ count: Int) { free = Mutex(count) }

    fileprivate func take() -> Bool {
        free.withLock { free in
            guard free > 0 else { return false }
            free -= 1
            return true
        }
    }

    fileprivate func give() { free.withLock { $0 += 1 } }
}

/// What one taker of file descriptors may have: some of its own, which nobody takes from it, and
/// beyond those of what all share, as long as there are any. Any thread.
package final class DescriptorShare: Sendable {
    private let own: Int
    private let pool: DescriptorPool
    private let taken = Mutex(0)

    package init(own: Int, of pool: DescriptorPool) {
        self.own = own
        self.pool = pool
    }

    /// Takes one; false: there is none left.
    package func take() -> Bool {
        taken.withLock { taken in
            guard taken < own || pool.take() else { return false }
            taken += 1
            return true
        }
    }

    package func give() {
        taken.withLock { taken in
            precondition(taken > 0, "one was taken")
            taken -= 1
            if taken >= own { pool.give() }
        }
    }
}
