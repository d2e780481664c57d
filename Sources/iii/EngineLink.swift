import CommandLineKit
import IIISDK
import JSON

/// One connection to an engine, for as many questions as there are.
struct EngineLink: Sendable {
    private let worker: Worker

    fileprivate init(_ worker: Worker) { self.worker = worker }

    /// Calls a function and hands back what it answered; null where that is no value.
    func ask(
        _ function: String,
        _ input: JSONObject = [:]
    ) async throws(SDKError) -> JSONText {
        try await call(function, JSONValue.object(input).text) ?? .null
    }

    /// As above; nil: it answered no value.
    func call(_ function: String, _ input: JSONText) async throws(SDKError) -> JSONText? {
        let answer = try await worker.call(raw: function, RawJSON(trusted: input.bytes))
        return answer.map { JSONText(trusted: $0.bytes) }
    }
}

extension EngineArguments {
    /// Hands `body` a connection, which ends with it.
    ///
    /// - Throws: what `body` threw, as the program tells it, or that there is no engine.
    func connected<Value: Sendable>(
        _ body: (EngineLink) async throws(SDKError) -> Value
    ) async throws(Failure) -> Value {
        var options = WorkerOptions()
        options.address = address
        options.connectTimeout = .seconds(2)
        options.drainTimeout = .seconds(2)
        options.backoff.first = .milliseconds(100)
        // Whoever waits at a terminal is told that the engine has gone.
        options.callsKeptOffline = 0
        do throws(SDKError) {
            let worker = try await Worker.connect("iii-cli", options: options)
            let outcome: Result<Value, SDKError>
            do throws(SDKError) {
                outcome = .success(try await body(EngineLink(worker)))
            } catch {
                outcome = .failure(error)
            }
            await worker.close()
            return try outcome.get()
        } catch {
            throw Failure(error)
        }
    }
}

extension JSONText {
    /// A member that is a number.
    func number(_ name: String) -> Double? { member(name)?.numberValue?.doubleValue }

    /// A member that is a whole number.
    func integer(_ name: String) -> Int64? { member(name)?.numberValue?.int64Value }
}
