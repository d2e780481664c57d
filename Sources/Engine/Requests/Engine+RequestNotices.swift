import Disk
import HTTP
import Primitives

// What an operator reads of requests whose clients did not get what they were to get.

/// Keeps such lines few.
struct RequestNotices {
    /// Of requests that nobody answered in time.
    var timeouts = NoticeLimit()
    /// Functions whose values look as if they meant another response.
    var odd = OnceTold<FunctionName>()
    /// Functions that returned nothing, and wrote no stream either.
    var silent = OnceTold<FunctionName>()
}

extension Engine where Store: ~Copyable {
    /// A function has answered a request as if it meant another response than its client gets.
    mutating func tell(of oddity: HTTPReply.Oddity, by function: FunctionName) {
        guard requestNotices.odd.isFirst(function) else { return }
        notice(.warning, "function \(function) returned \(oddity.text)")
    }

    /// A request was answered 504, for `reason`.
    mutating func tellOfTimeout(_ open: OpenExchange, _ reason: String) {
        let time = "\((now.monotonic - open.begun) / 1_000_000) ms"
        if open.hasReturned, requestNotices.silent.isFirst(open.function) {
            return notice(
                .warning,
                "function \(open.function) returned null: its client got 504 after \(time). For a "
                    + "response without content return {\"status_code\":204}",
                trace: open.trace
            )
        }
        guard let untold = requestNotices.timeouts.pass(at: now.monotonic) else { return }
        notice(
            .warning,
            "a request for \(open.function) was answered 504 after \(time): \(reason)"
                + (untold == 0 ? "" : "; so were \(untold) more since this was told last"),
            trace: open.trace
        )
    }
}
