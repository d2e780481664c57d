import NIOCore
import NIOPosix

/// A connection to an engine for a program that waits for each answer on the thread that asks,
/// which must not be that of an event loop. It ends with the last reference.
package final class WaitingCaller: Sendable {
    private let worker: Worker

    /// Connects, as ``Worker/connect(_:options:)`` does.
    package init(_ name: String, options: WorkerOptions) throws(SDKError) {
        let identity = try WorkerIdentity(name: name, options: options, environmentName: true)
        let worker = Worker.dialing(identity, options)
        self.worker = worker
        try Self.wait { (done: @escaping @Sendable (Result<Void, SDKError>) -> Void) in
            worker.mailbox.post { $0.whenGreeted(done) }
        }
    }

    deinit { worker.beginClose() }

    /// Where the engine is, without what may be a token.
    package var address: String { worker.mailbox.identity.address.description }

    /// Calls a function with JSON text and waits for its result, at most as long as
    /// ``WorkerOptions/callTimeout`` says; nil when it returned nothing.
    package func call(raw id: String, _ input: RawJSON) throws(SDKError) -> RawJSON? {
        let worker = worker
        return try Self.wait { (done: @escaping @Sendable (Result<RawJSON?, SDKError>) -> Void) in
            worker.call(raw: id, input, completion: done)
        }
    }

    /// Waits for what `begin` has come of: it must call what it is handed, once, on any thread.
    private static func wait<Value: Sendable>(
        _ begin: (@escaping @Sendable (Result<Value, SDKError>) -> Void) -> Void
    ) throws(SDKError) -> Value {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let promise = loop.makePromise(of: Result<Value, SDKError>.self)
        begin { promise.succeed($0) }
        let outcome: Result<Value, SDKError>
        do {
            outcome = try promise.futureResult.wait()
        } catch {
            preconditionFailure("the promise is never broken: \(error)")
        }
        return try outcome.get()
    }
}
