import CommitLog
import Disk
import Events
import Folding
import JSON
import Primitives
import State
import Stream

// Streams whose items a worker keeps (services 1, D.6): it serves `stream::get(NAME)` and its
// siblings, and is asked in place of the engine's own view. What it says has changed is told to
// subscribers and functions all the same, and recorded.

extension Engine where Store: ~Copyable {
    /// The function that keeps the stream which a call is about; nil: the engine keeps it.
    func customStream(_ function: StreamFunction, _ input: JSONText) -> FunctionName? {
        guard registry.keepsStreams, let stream = StreamCall.stream(of: input),
            let name = function.custom(stream), registry.isServed(name)
        else { return nil }
        return name
    }

    /// What is not asked of the worker that keeps a stream would be done with the engine's own
    /// items of that name, which are others: pages, where it serves the list, and an update, where
    /// it serves single items.
    ///
    /// - Returns: why it is refused; nil: it is not. An update goes on, as users know it (services
    ///   1, D.6), and whoever runs the engine is told once.
    mutating func refusal(
        ofPassingBy function: StreamFunction,
        _ input: JSONText
    ) -> ErrorBody? {
        guard registry.keepsStreams, function == .entries || function == .update,
            let stream = StreamCall.stream(of: input)
        else { return nil }
        guard function == .update else {
            guard isServed(.list, of: stream) else { return nil }
            return ErrorBody(
                code: "STREAM_KEPT_BY_WORKER",
                message: "a worker keeps stream \"\(stream.cut)\" itself, and is not asked for "
                    + "pages; stream::list asks it for all values of a group"
            )
        }
        let isKept = isServed(.get, of: stream) || isServed(.set, of: stream)
        if isKept, once.isFirst("stream::update \(stream)") {
            notice(
                .warning,
                "a worker keeps stream \"\(stream.cut)\" itself, and has no function for "
                    + "stream::update: that changes the engine's own items of that name, which "
                    + "the worker does not see"
            )
        }
        return nil
    }

    /// Whether a worker is asked in place of `function` of a stream: each on its own.
    private func isServed(_ function: StreamFunction, of stream: String) -> Bool {
        function.custom(stream).map { registry.isServed($0) } ?? false
    }

    /// Asks the worker that keeps a stream.
    mutating func ask(
        _ keeper: FunctionName,
        _ function: StreamFunction,
        _ input: JSONText,
        for asker: StreamQuestion.Asker,
        _ origin: Origin
    ) throws(LogError) {
        let call: StreamCall
        let payload: JSONText
        do throws(ErrorBody) {
            call = try StreamCall(function, input: input)
            payload = try call.forwarded()
        } catch {
            return try answer(asker, .failure(error), after: nil)
        }
        let question = StreamQuestion(function, call, for: asker, trace: origin.trace)
        try start(
            Run(
                function: keeper,
                payload: payload.bytes,
                purpose: .keepsStream(question),
                trace: origin.trace,
                cause: origin.cause,
                causeHoldsPayload: false
            )
        )
    }

    /// The worker has answered, or failed to.
    mutating func answered(
        _ question: StreamQuestion,
        _ result: FunctionResult,
        after offset: Offset?
    ) throws(LogError) {
        switch question.function {
        case .set, .update, .delete:
            let change: StreamChange
            do throws(ErrorBody) {
                change = try StreamChange(question.call, result, limit: options.payloadBytes)
            } catch {
                return try answer(question.asker, .failure(error), after: offset)
            }
            var after = offset
            if let event = change.event {
                after = try publish(.relayed(event), Origin(trace: question.trace, cause: offset))
            }
            try answer(question.asker, .value(change.answer), after: after)
        case .get, .list, .entries, .listGroups, .listAll, .send, .presence:
            try answer(question.asker, result, after: offset)
        }
    }

    private mutating func answer(
        _ asker: StreamQuestion.Asker,
        _ result: FunctionResult,
        after offset: Offset?
    ) throws(LogError) {
        switch asker {
        case .call(let call, let connection):
            answer(call, on: connection, result, after: offset)
        case .run(let run):
            try finish(run, record: nil, result, took: 0)
        case .joined(let peer, let join): tell(peer, join, of: result)
        }
    }
}
