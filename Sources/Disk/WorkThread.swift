import CPlatform
import Glibc

/// A thread that runs one function and is waited for.
package struct WorkThread: Sendable {
    private let identifier: pthread_t

    private final class Work {
        let name: String
        let body: @Sendable () -> Void
        init(_ name: String, _ body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// - Parameters:
    ///   - name: at most 15 bytes, for whoever looks at the process.
    ///   - body: what the thread does.
    /// - Throws: ``StorageError/system(_:path:code:)`` when the system has no room for a thread.
    package init(
        _ name: String,
        _ body: @escaping @Sendable () -> Void
    ) throws(StorageError) {
        var identifier = pthread_t()
        let work = Unmanaged.passRetained(Work(name, body))
        let code = pthread_create(
            &identifier,
            nil,
            { context in
                guard let context else { return nil }
                let work = Unmanaged<Work>.fromOpaque(context).takeRetainedValue()
                platform_name_thread(work.name)
                work.body()
                return nil
            },
            work.toOpaque()
        )
        guard code == 0 else {
            work.release()
            throw .system("start a thread", path: name, code: code)
        }
        self.identifier = identifier
    }

    /// Returns when the function has. Called once; what the function wrote can be read from then on.
    package func join() { pthread_join(identifier, nil) }
}
