/// Writes by plain system calls: each is on the medium before ``submit(_:to:at:ticket:)`` returns,
/// and its completion waits to be reaped. For kernels and sandboxes that refuse io_uring.
package struct PlainStorage: FileStorage, ~Copyable {
    package let directory: DataDirectory
    package let waker: Waker
    package let backend: String
    private var finished: [Completion] = []

    /// A storage in the directory at `path`, which need not be there yet. `reason` says why
    /// io_uring is not used, if it was refused.
    package init(path: String, waker: Waker, reason: StorageError? = nil) {
        directory = DataDirectory(path: path)
        self.waker = waker
        backend = reason.map { "system calls (\($0))" } ?? "system calls"
    }

    package mutating func submit(
        _ bytes: UnsafeRawBufferPointer,
        to target: WriteTarget,
        at position: Int,
        ticket: UInt64
    ) throws(StorageError) {
        do throws(StorageError) {
            try directory.write(bytes, to: target, at: position)
            finished.append(Completion(ticket: ticket, failure: nil))
        } catch {
            finished.append(Completion(ticket: ticket, failure: error))
        }
    }

    package mutating func submitRead(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer,
        ticket: UInt64
    ) {
        do throws(StorageError) {
            let count = try directory.read(segment: segment, at: position, into: memory)
            finished.append(Completion(ticket: ticket, failure: nil, count: count))
        } catch {
            finished.append(Completion(ticket: ticket, failure: error))
        }
    }

    package mutating func reap() -> Completion? {
        finished.isEmpty ? nil : finished.removeFirst()
    }

    package func poll(nanoseconds: UInt64) -> Bool {
        waker.poll(nanoseconds: nanoseconds) { !finished.isEmpty }
    }

    package func wait(nanoseconds: UInt64?) {
        guard finished.isEmpty else { return }
        waker.sleep(nanoseconds: nanoseconds)
    }

    package func drain() {}
}
