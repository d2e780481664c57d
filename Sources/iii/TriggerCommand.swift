import ArgumentParser
import CommandLineKit
import IIISDK
import JSON
import Primitives
import Server

struct TriggerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trigger",
        abstract: "Call a function of a running engine, and print its result as JSON.",
        discussion: """
            A function that returns nothing answers null. Exits 1 when the function fails, 3 when \
            the engine cannot be reached, 4 when nobody serves the function or there is no such \
            queue, 5 when no answer comes in time, 77 when the engine does not let it.
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

    @Option(
        help: "How long to wait for the result, such as 500ms or 5m; else 30s.",
        transform: duration
    )
    var timeout = Duration.seconds(30)

    @Option(help: "The same in milliseconds; goes before it.")
    var timeoutMs: UInt32?

    @Option(
        help: """
            How long to wait until the engine and the function are there; else 2s for the engine.
            """,
        transform: duration
    )
    var wait = Duration.zero

    @Flag(help: "Tell the call's trace on standard error, and with a receipt.")
    var trace = false

    @Option(
        name: [.customLong("address"), .customLong("engine")],
        help: "The engine, as ws://HOST:PORT or HOST; else III_URL, else ws://127.0.0.1:49134."
    )
    var address: String?

    @Option(help: "The port of the engine, beside a HOST or alone; else 49134.")
    var port: UInt16?

    @Option(
        name: .shortAndLong,
        help: """
            The namespace of the function; else III_NAMESPACE, but the engine's own functions are \
            found.
            """
    )
    var namespace: String?

    func validate() throws {
        if json != nil, !pairs.isEmpty {
            throw ValidationError("give the payload as --json or as key=value, not both")
        }
        if enqueue != nil, void {
            throw ValidationError("--enqueue and --void exclude each other")
        }
        if port != nil, let address, Self.mayHavePort(address) {
            throw ValidationError("give the port in the address or as --port, not both")
        }
    }

    func run() async throws {
        let payload = try Payload.read(json: json, pairs: pairs)
        let deadline = ContinuousClock.now + wait
        do throws(SDKError) {
            let worker = try await Worker.connect("iii-cli:trigger", options: options)
            let parent = trace ? Self.newParent() : nil
            if let id = parent?.trace {
                // Before the call: who waits for it in vain can look it up.
                Terminal.write("trace: \(id)\niii-log replay \(id)\n", to: .error)
            }
            let waiting = WaitingLine(function.visible)
            let outcome = await outcome(of: payload, worker, parent, until: deadline)
            await waiting.end()
            if case .success(let result?) = outcome {
                let text = Terminal.isTerminal(.output) ? result.visibleLines : result
                Terminal.write("\(text)\n", to: .output)
            }
            // A call that nobody answers must be on its way before the connection ends.
            if void { await worker.drain() } else { await worker.close() }
            _ = try outcome.get()
        } catch {
            throw Failure(error)
        }
    }

    /// The trace of a call that is to be known before it is made.
    private static func newParent() -> TraceParent {
        var entropy = SystemEntropy()
        return TraceParent(trace: TraceID(from: &entropy), span: entropy.next() | 1)
    }

    /// An engine that is there answers within this time, even when it is busy and far away.
    private static let patience = Duration.seconds(2)

    /// The engine's address as workers take it; nil: they look for it.
    private var engine: String? {
        guard address != nil || port != nil else { return nil }
        let host = address ?? "127.0.0.1"
        guard !host.contains("://") else { return host }
        // One colon is in front of a port; an IPv6 address has more of them.
        let isBare = !host.hasPrefix("[") && host.count { $0 == ":" } > 1
        return "ws://" + (isBare ? "[\(host)]" : host) + (port.map { ":\($0)" } ?? "")
    }

    /// Whether it is a URL, or a host with a port: an IPv6 address without brackets has none.
    private static func mayHavePort(_ address: String) -> Bool {
        address.contains("://") || address.contains("]:") || address.count { $0 == ":" } == 1
    }

    private var limit: Duration { timeoutMs.map { Duration.milliseconds($0) } ?? timeout }

    private var options: WorkerOptions {
        var options = WorkerOptions()
        options.address = engine
        options.namespace = namespace
        options.isNamespaceOfCalls = namespace != nil
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
        _ parent: TraceParent?,
        until deadline: ContinuousClock.Instant
    ) async -> Result<String?, SDKError> {
        while true {
            do throws(SDKError) {
                guard let parent else { return .success(try await call(worker, payload)) }
                let caller = worker.traced(parent.description)
                return .success(try await call(caller, payload, parent.trace))
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
    private func call(
        _ caller: some Caller,
        _ payload: RawJSON,
        _ trace: TraceID? = nil
    ) async throws(SDKError) -> String? {
        if void {
            caller.fire(raw: function, payload)
            return nil
        }
        guard let enqueue else {
            let result = try await caller.call(raw: function, payload, timeout: limit)
            return (result ?? .null).text
        }
        let receipt: Receipt
        do throws(SDKError) {
            receipt = try await caller.enqueue(
                raw: function,
                payload,
                queue: enqueue,
                timeout: limit
            )
        } catch {
            throw Self.refusal(error, of: enqueue)
        }
        var line = JSONBuilder()
        line.beginObject()
        line.add("messageReceiptId", receipt.id)
        if let trace { line.add("traceId", trace.description) }
        line.endObject()
        return line.finish().description
    }

    /// The engine has one code for whatever is wrong with a message: that there is no such queue is
    /// told by its text, and here with the way out.
    private static func refusal(_ error: SDKError, of queue: String) -> SDKError {
        guard error.code == .enqueueFailed, error.message == "Queue '\(queue)' not found" else {
            return error
        }
        return SDKError(
            code: "NOT_FOUND",
            message: "there is no queue '\(queue.visible)'; `iii queue ls` lists those that there "
                + "are, and `iii queue define` makes one"
        )
    }

    static func duration(_ text: String) throws -> Duration {
        guard let duration = Quantity.duration(text) else {
            throw ValidationError("\"\(text)\" is not a duration such as 500ms, 30s or 5m")
        }
        return duration
    }
}
