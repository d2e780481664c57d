import IIISDK
import Primitives
import Testing
import WorkerProtocol

/// A worker, and the engine's end of its connection, already greeted and introduced.
struct Pair: Sendable {
    let engine: FakeEngine
    let worker: Worker
    let connection: FakeConnection

    /// Options that never wait: no back-off, and warnings into a feed.
    static func options(
        _ engine: FakeEngine,
        warnings: Feed<String> = Feed()
    ) -> WorkerOptions {
        var options = WorkerOptions()
        options.address = engine.address
        options.token = "secret"
        options.backoff.first = .zero
        options.onWarning = { warnings.put($0) }
        return options
    }

    static func connect(
        _ change: (inout WorkerOptions) -> Void = { _ in }
    ) async throws -> Pair {
        let engine = try await FakeEngine.start()
        var options = options(engine)
        change(&options)
        let chosen = options
        async let worker = Worker.connect("tester", options: chosen)
        let connection = await engine.accept()
        connection.greet()
        _ = try await connection.call()
        return Pair(engine: engine, worker: try await worker, connection: connection)
    }

    func close() async {
        await worker.close()
        await engine.stop()
    }
}

extension FunctionResult {
    /// The value as text, or what there is instead.
    var text: String {
        switch self {
        case .value(let bytes): String(decoding: bytes, as: UTF8.self)
        case .none: "none"
        case .failure(let error): "\(error.code): \(error.message)"
        }
    }
}

extension InvokeFrame {
    var text: String { String(decoding: data, as: UTF8.self) }
}

/// What `task` throws; nil, and an issue, when it does not.
func error(
    of task: Task<some Sendable, any Error>,
    sourceLocation: SourceLocation = #_sourceLocation
) async -> SDKError? {
    await #expect(throws: SDKError.self, sourceLocation: sourceLocation) {
        _ = try await task.value
    }
}
