import Dispatch

/// Runs what blocks on a thread of its own. The threads of Swift's tasks, as many as there are
/// cores, stay free for the other tests.
package final class ThreadExecutor: TaskExecutor {
    private let queue: DispatchQueue

    package init(_ name: String) { queue = DispatchQueue(label: name) }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
