import Disk
import Events
import HTTP
import JSON
import Primitives

// What records hold of the results of functions.

extension Engine where Store: ~Copyable {
    /// What a function answered about a request, without the secrets of its headers.
    func hidden(_ result: FunctionResult, of run: Run) -> FunctionResult {
        guard case .value(let bytes) = result else { return result }
        let secrets = options.http.secrets
        let value = JSONText(trusted: bytes)
        switch run.purpose {
        case .respond: return .value(secrets.hidden(inResponse: value).bytes)
        case .middleware: return .value(secrets.hidden(inVerdict: value).bytes)
        default: return run.replay == nil ? result : .value(secrets.hidden(inResponse: value).bytes)
        }
    }

    /// What an auth function knows of a worker, and a hook of it, may be a secret.
    func recordable(_ result: FunctionResult, of run: Run) -> FunctionResult {
        guard run.guardsListener, case .value(let bytes) = result else { return recordable(result) }
        return recordable(.value(JSONText(trusted: bytes).withoutContext.bytes))
    }

    /// A result that no record can hold is told of, not held.
    func recordable(_ result: FunctionResult) -> FunctionResult {
        switch result {
        case .none: return .none
        case .value(let bytes):
            guard bytes.count > options.payloadBytes else {
                return result
            }
            let note = "a result of \(bytes.count) bytes, too large to be recorded"
            return .failure(ErrorBody(code: "payload_too_large", message: note))
        case .failure(let error): return .failure(recordable(error))
        }
    }

    /// A worker may send an error of any length.
    func recordable(_ error: ErrorBody) -> ErrorBody {
        let bytes =
            error.code.utf8.count + error.message.utf8.count + (error.stacktrace?.utf8.count ?? 0)
        guard bytes > options.payloadBytes else { return error }
        let note = "an error of \(bytes) bytes, too large to be recorded"
        return ErrorBody(code: "payload_too_large", message: note)
    }
}
