import JSON
import Primitives

extension Engine where Store: ~Copyable {
    /// The error as `worker` can be told of it: without the stack trace where that may name files
    /// of the worker that failed, or makes the message larger than its SDK receives.
    func told(_ error: ErrorBody, to worker: Worker) -> ErrorBody {
        var error = error
        if worker.access != nil { error.stacktrace = nil }
        // In JSON a control character is six bytes.
        if worker.receives(6 * error.byteCount) || worker.receives(error.jsonBytes) {
            return error
        }
        error.stacktrace = nil
        let bytes = error.jsonBytes
        return worker.receives(bytes) ? error : Self.tooLarge(bytes, worker)
    }

    /// Tells the operator of a call that has failed, and whose caller does not hear of it.
    mutating func reportLostFailure(_ function: String, by caller: String, _ error: ErrorBody) {
        guard let untold = unheardFailures.pass(at: now.monotonic) else { return }
        let error = error.shortened
        notice(
            .warning,
            "a call of \(function.cut) by \(caller), who waits for no result, failed: "
                + "\(error.code): \(error.message)"
                + (untold == 0 ? "" : "; so did \(untold) more since this was told last")
        )
    }

    /// A worker has gone before its namespace was known: calls that it sent for nothing wait no
    /// longer. Who waits for others has gone with it.
    mutating func tellOfUnplacedCalls(of worker: Worker) {
        let gone = ErrorBody(
            code: "invocation_stopped",
            message: "the worker has left before its namespace was known"
        )
        for call in worker.pending?.calls ?? [] where call.action == .void {
            reportLostFailure(call.function, by: Self.name(ofCaller: worker), gone)
        }
    }

    static func name(ofCaller worker: Worker?) -> String {
        worker.map { $0.name ?? $0.id.description } ?? "a worker that has left"
    }
}

extension String {
    /// As much of it as is taken of a name, in bytes.
    var cut: String {
        guard utf8.count > Limits.nameBytes else { return self }
        return String(decoding: utf8.prefix(Limits.nameBytes), as: UTF8.self)
    }
}

extension ErrorBody {
    /// What fits any message, and a line of output: of each text as much as of a name, and no
    /// stack trace.
    var shortened: ErrorBody { ErrorBody(code: code.cut, message: message.cut) }

    /// What its texts take in JSON, in bytes.
    fileprivate var jsonBytes: Int {
        [code, message, stacktrace ?? ""].reduce(0) { $0 + JSONText(string: $1).bytes.count }
    }
}
