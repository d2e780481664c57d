/// A worker that answers every call at once with the same result.
final class Answerer {
    private let worker: WorkerLink
    private let answer: FrameTemplate
    private var id = FieldFinder("\"invocation_id\":\"")
    private let seen: WorkerLink.Message

    /// - Parameters:
    ///   - function: what it serves.
    ///   - result: as JSON.
    ///   - registrations: more of them, whole messages.
    ///   - port: where the engine takes workers.
    ///   - reactor: drives the connection.
    ///   - seen: gets every call that came, and the time, before it is answered.
    /// - Throws: when the engine cannot be reached, or does not register the worker.
    init(
        _ function: String,
        result: String,
        _ registrations: [String] = [],
        port: UInt16,
        on reactor: Reactor,
        seen: @escaping WorkerLink.Message = { (_, _) throws(Failure) in }
    ) throws(Failure) {
        self.seen = seen
        answer = FrameTemplate(
            """
            {"type":"invocationresult","invocation_id":"\(String(repeating: "#", count: 36))",\
            "function_id":"\(function)","result":\(result)}
            """
        )
        worker = try WorkerLink(
            port: port,
            name: "answerer",
            ["{\"type\":\"registerfunction\",\"id\":\"\(function)\"}"] + registrations,
            on: reactor
        )
        worker.onMessage { [unowned self] (message, now) throws(Failure) in
            guard let id = id.value(36, in: message) else { return }
            try seen(message, now)
            answer.send(id, on: worker.link)
        }
    }
}
