import AccessControl
import Disk
import JSON
import Observability
import Primitives

extension Engine where Store: ~Copyable {
    /// What a trigger or a queue is told: nobody is there to take the files.
    static var segmentsNeedCaller: ErrorBody {
        ErrorBody(
            code: "INVALID_ARGUMENTS",
            message: "the log's files are for workers and operators that wait for them"
        )
    }

    /// `engine::segments::list` and `read`: the log's files as they are, for whoever may know
    /// everything that is in them. `access` is the caller's; nil: it may.
    mutating func readSegments(
        _ function: SegmentFunction,
        _ input: JSONText,
        _ access: Access?,
        for call: Call,
        on connection: ConnectionID
    ) {
        do throws(ErrorBody) {
            guard access == nil else {
                throw Access.refusal("the log's files are for workers of a trusted listener")
            }
            ask(.segments(try SegmentQuestion(function, input)), for: call, on: connection)
        } catch {
            answer(call, on: connection, .failure(error), after: nil)
        }
    }
}
