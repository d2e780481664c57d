import ArgumentParser
import CommandLineKit
import IIISDK
import Server

struct TriggerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trigger",
        abstract: "Call a function of a running engine, and print its result as JSON.",
        discussion: """
            Exits 1 when the function fails, 3 when the engine cannot be reached, 4 when nobody \
            serves the function, 5 when no answer comes in time.
            """
    )

    @Argument(help: "The function's id, such as orders::create.")
    var function: String

    @Argument(help: "Members of the payload. A value that is JSON stands for itself.")
    var pairs: [String] = []

    @Option(help: "The whole payload as JSON; - reads it from standard input.")
    var json: String?

    @Option(help: "Put the call into this queue, and print the receipt.")
    var enqueue: String?

    @Flag(help: "Do not wait for a result.")
    var void = false

    @Option(help: "How long to wait for the result, such as 500ms or 5m.", transform: duration)
    var timeout = Duration.seconds(30)

    @Option(
        help: "How long to wait until the engine and the function are there.",
        transform: duration
    )
    var wait = Duration.zero

    @Option(
        name: [.customLong("address"), .customLong("engine")],
        help: "The engine, as ws://HOST:PORT; else III_URL, else ws://127.0.0.1:49134."
    )
    var address: String?

    @Option(name: .shortAndLong, help: "The namespace of the function; else III_NAMESPACE.")
    var namespace: String?

    func validate() throws {
        if json != nil, !pairs.isEmpty {
            throw ValidationError("give the payload as --json or as key=value, not both")
        }
        if enqueue != nil, void {
            throw ValidationError("--enqueue and --void exclude each other")
        }
    }

    func run() async throws {
        let payload = try Payload.read(json: json, pairs: pairs)
        let deadline = ContinuousClock.now + wait
        do throws(SDKError) {
            let worker = try await Worker.connect("iii-cli:trigger", options: options)
            let outcome = await outcome(of: payload, worker, until: deadline)
            if case .success(let result?) = outcome { Terminal.write("\(result)\n", to: .output) }
            // A call that nobody answers must be on its way before the connection ends.
            if void { await worker.drain() } else { await worker.close() }
            _ = try outcome.get()
        } catch {
            throw Failure(error)
        }
    }

    /// An engine that is there answers within this time, even when it is busy and far away.
    private static let patience = Duration.seconds(2)

    private var options: WorkerOptions {
        var options = WorkerOptions()
        options.address = address
        options.namespace = namespace
        options.connectTimeout = max(wait, Self.patience)
        options.drainTimeout = Self.patience
        options.backoff.first = .milliseconds(100)
        options.backoff.limit = .seconds(1)
        return options
    }

    /// Calls, and calls again while nobody serves the function and there is time to wait for it.
    private func outcome(
        of payload: RawJSON,
        _ worker: Worker,
        until deadline: ContinuousClock.Instant
    ) async -> Result<String?, SDKError> {
        while true {
            do throws(SDKError) {
                return .success(try await call(worker, payload))
            } catch {
                let isLate = ContinuousClock.now >= deadline
                guard error.code == .functionNotFound, !isLate else { return .failure(error) }
            }
            do {
                try await Task.sleep(for: .milliseconds(100))
            } catch {
                return .failure(SDKError(code: .cancelled, message: "the wait was cancelled"))
            }
        }
    }

    /// What to print: the result as JSON text, or nothing.
    private func call(_ worker: Worker, _ payload: RawJSON) async throws(SDKError) -> String? {
        if void {
            worker.fire(raw: function, payload)
            return nil
        }
        guard let enqueue else {
            return try await worker.call(raw: function, payload, timeout: timeout)?.text
        }
        let receipt = try await worker.enqueue(
            raw: function,
            payload,
            queue: enqueue,
            timeout: timeout
        )
        var line = JSONLine()
        line.add("messageReceiptId", receipt.id)
        return line.description
    }

    static func duration(_ text: String) throws -> Duration {
        guard let duration = Quantity.duration(text) else {
            throw ValidationError("\"\(text)\" is not a duration such as 500ms, 30s or 5m")
        }
        return duration
    }
}
