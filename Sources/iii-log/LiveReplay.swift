import CommandLineKit
import IIISDK
import JSON
import LogTools
import Primitives

/// Runs a recorded function again on the workers of an engine. What it calls comes here, and is
/// answered from the log.
struct LiveReplay {
    /// What came of it.
    struct Outcome: Sendable {
        let result: FunctionResult
        let differences: [ReplayDifference]
    }

    private let recording: Recording
    private let location: LogLocation

    init(_ recording: Recording, _ location: LogLocation) {
        self.recording = recording
        self.location = location
    }

    /// - Throws: where it could not be run, or did not end within `timeout`.
    func run(at address: String, timeout: Duration) async throws(Failure) -> Outcome {
        let script = ReplayAnswers(recording, location)
        let result: FunctionResult
        do throws(SDKError) {
            let options = WorkerOptions(engine: address)
            let worker = try await Worker.connect("iii-cli:replay", options: options)
            let outcome = await outcome(of: worker, script, timeout)
            await worker.close()
            result = try Self.result(of: outcome)
        } catch {
            throw Failure(error)
        }
        return Outcome(result: result, differences: await script.finish(result))
    }

    private func outcome(
        of worker: Worker,
        _ script: ReplayAnswers,
        _ timeout: Duration
    ) async -> Result<RawJSON?, SDKError> {
        var entropy = SystemEntropy()
        let name = "iii-cli::replay::\(UUID128(from: &entropy))"
        let question = RawJSON(trusted: question(answeredBy: name).bytes)
        do throws(SDKError) {
            try await worker.register(raw: name) { question, _ in
                try await script.answer(question)
            }
            let answer = try await worker.call(raw: "engine::replay", question, timeout: timeout)
            return .success(answer)
        } catch {
            return .failure(error)
        }
    }

    /// The input of `engine::replay`.
    private func question(answeredBy name: String) -> JSONText {
        var json = JSONBuilder()
        json.beginObject()
        json.key("function_id")
        json.string(recording.function.id)
        json.key("namespace")
        json.string(recording.function.namespace)
        json.key("data")
        json.raw(recording.input)
        if let metadata = recording.metadata {
            json.key("metadata")
            json.raw(metadata)
        }
        if let baggage = recording.baggage {
            json.key("baggage")
            json.string(baggage)
        }
        json.key("answers")
        json.string(name)
        json.endObject()
        return json.finish()
    }

    /// What keeps a function from running; any other error is its own.
    private static let obstacles: Set<SDKError.Code> = [
        .cannotConnect, .connectionLost, .workerNameTaken, .invalidAddress, .timeout, .shutdown,
        .cancelled, .functionNotFound, .payloadTooLarge, .unauthorized, "FORBIDDEN",
        "REPLAY_UNSUPPORTED", "STORAGE_FULL",
    ]

    private static func result(
        of outcome: Result<RawJSON?, SDKError>
    ) throws(SDKError) -> FunctionResult {
        switch outcome {
        case .success(let value?): return .value(value.bytes)
        case .success(nil): return FunctionResult.none
        case .failure(let error):
            if obstacles.contains(error.code) { throw error }
            return .failure(
                ErrorBody(
                    code: error.code.rawValue,
                    message: error.message,
                    stacktrace: error.stacktrace
                )
            )
        }
    }
}

/// The script, for calls that come at the same time.
private actor ReplayAnswers {
    private var script: ReplayScript

    init(_ recording: Recording, _ location: LogLocation) {
        script = ReplayScript(recording, location)
    }

    func answer(_ question: RawJSON) throws(SDKError) -> RawJSON? {
        switch script.answer(JSONText(trusted: question.bytes)) {
        case .none: return nil
        case .value(let bytes): return RawJSON(trusted: bytes)
        case .failure(let error):
            throw SDKError(
                code: SDKError.Code(rawValue: error.code),
                message: error.message,
                stacktrace: error.stacktrace
            )
        }
    }

    func finish(_ result: FunctionResult) -> [ReplayDifference] { script.finish(result) }
}

extension Failure {
    /// Why nothing was run, or its end did not come.
    fileprivate init(_ error: SDKError) {
        let code = error.code.rawValue
        self.init(ExitStatus(refusal: code), code: code, error.message)
    }
}
