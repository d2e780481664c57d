import CommandLineKit
import IIISDK
import JSON
import LogTools
import Primitives

/// The log of a running engine.
enum EngineLog {
    /// Asks the engine at `address` where its log is: a directory, where that can be read from
    /// here, and else what the engine hands out over this connection, which ends with the location.
    static func location(_ address: String) throws(ToolError) -> LogLocation {
        do throws(ErrorBody) {
            let caller = try connect(address)
            let log = DistantLog(of: caller.address) { (function, input) throws(ErrorBody) in
                try call(function, input, by: caller)
            }
            return try log.directory().map { LogLocation.directory($0) } ?? .distant(log)
        } catch {
            throw refusal(error)
        }
    }

    private static func connect(_ address: String) throws(ErrorBody) -> WaitingCaller {
        do throws(SDKError) {
            return try WaitingCaller("iii-cli", options: WorkerOptions(engine: address))
        } catch {
            throw ErrorBody(error)
        }
    }

    private static func call(
        _ function: String,
        _ input: JSONText,
        by caller: WaitingCaller
    ) throws(ErrorBody) -> JSONText {
        do throws(SDKError) {
            let answer = try caller.call(raw: function, RawJSON(trusted: input.bytes))
            return answer.map { JSONText(trusted: $0.bytes) } ?? .null
        } catch {
            throw ErrorBody(error)
        }
    }

    private static func refusal(_ error: ErrorBody) -> ToolError {
        let kind: ToolError.Code =
            switch ExitStatus(refusal: error.code) {
            case .unreachable: .unreachable
            case .usage: .malformedAddress
            case .notPermitted: .notPermitted
            case .timedOut: .late
            default: .refused
            }
        return ToolError(kind, error.message)
    }
}

extension ErrorBody {
    fileprivate init(_ error: SDKError) {
        self.init(code: error.code.rawValue, message: error.message)
    }
}

extension WorkerOptions {
    /// How this program reaches an engine: it gives up soon, and calls what the engine serves.
    init(engine address: String) {
        self.init()
        self.address = address
        namespace = FunctionName.defaultNamespace
        connectTimeout = .seconds(2)
        drainTimeout = .seconds(2)
        backoff.first = .milliseconds(100)
    }
}
