import Primitives

/// The hello of `data/samples`, its worker in this program: a request over HTTP is answered at once
/// and leaves a job in a durable queue, which writes a greeting to the state.
final class HelloLoad {
    private let reactor = Reactor()
    private let http: UInt16
    private let worker: WorkerLink
    private var request = FieldFinder("\"function_id\":\"hello::api\"")
    private var job = FieldFinder("\"function_id\":\"greet::process\"")
    private var id = FieldFinder("\"invocation_id\":\"")
    private var trace = FieldFinder("\"traceparent\":\"")
    private var key = FieldFinder("\"requestId\":\"")
    /// Calls of the worker so far.
    private var calls: UInt64 = 0

    private static let traceBytes = 55
    private static let keyBytes = 32

    init(_ engine: EngineProcess) throws(Failure) {
        http = engine.http
        worker = try WorkerLink(
            port: engine.worker,
            name: "hello",
            [
                "{\"type\":\"registerfunction\",\"id\":\"hello::api\"}",
                "{\"type\":\"registerfunction\",\"id\":\"greet::process\"}",
                """
                {"type":"registertrigger","id":"00000000-0000-4000-8000-000000000001",\
                "trigger_type":"http","function_id":"hello::api",\
                "config":{"api_path":"hello","http_method":"GET"}}
                """,
            ],
            on: reactor
        )
        worker.onMessage { [unowned self] (message, _) throws(Failure) in take(message) }
    }

    /// Lets so many requests pass.
    func run(requests: Int) throws(Failure) {
        var plan = Plan()
        plan.seconds = 120
        plan.operations = requests
        let pipe = try Pipeline(
            """
            GET /hello HTTP/1.1\r\nHost: 127.0.0.1:\(http)\r\nUser-Agent: curl/8.5.0\r\n\
            Accept: */*\r\n\r\n
            """,
            Load(connections: 64, depth: 1),
            port: http,
            on: reactor,
            plan,
            extent: HTTPTriggers.responseExtent
        )
        _ = try pipe.run()
    }

    private func take(_ message: UnsafeRawBufferPointer) {
        // Answers to the worker's own calls have no trace.
        guard let trace = trace.value(Self.traceBytes, in: message).map(text),
            let id = id.value(36, in: message).map(text)
        else { return }
        let now = SystemClock().now().wall.rfc3339()
        if request.find(in: message) != nil {
            call(
                "greet::process",
                trace,
                """
                {"requestId":"\(nextKey())","appName":"III App","greetingPrefix":"Hello",\
                "timestamp":"\(now)"},"action":{"type":"enqueue","queue":"bench"}
                """
            )
            answer(
                id,
                "hello::api",
                """
                {"status_code":200,"body":{"message":"Hello request received! Processing in \
                background.","status":"processing","appName":"III App"}}
                """
            )
        } else if job.find(in: message) != nil, let key = key.value(Self.keyBytes, in: message) {
            call(
                "state::set",
                trace,
                """
                {"scope":"greetings","key":"\(text(key))","value":{"greeting":"Hello III App!",\
                "processedAt":"\(now)","originalTimestamp":"\(now)"}}
                """
            )
            answer(id, "greet::process", "null")
        }
    }

    private func text(_ bytes: UnsafeRawBufferPointer) -> String {
        String(decoding: bytes, as: UTF8.self)
    }

    /// 32 hexadecimal digits, as random as those of the sample are.
    private func nextKey() -> String {
        let digits = [UInt64.random(in: .min ... .max), .random(in: .min ... .max)].map {
            let text = String($0, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }
        return digits.joined()
    }

    private func call(_ function: String, _ trace: String, _ data: String) {
        calls += 1
        let digits = String(calls, radix: 16)
        let number = String(repeating: "0", count: Number.digits - digits.count) + digits
        FrameTemplate.send(
            """
            {"type":"invokefunction","invocation_id":"10000000-0000-4000-8000-\(number)",\
            "function_id":"\(function)","traceparent":"\(trace)","data":\(data)}
            """,
            on: worker.link
        )
    }

    private func answer(_ id: String, _ function: String, _ result: String) {
        FrameTemplate.send(
            """
            {"type":"invocationresult","invocation_id":"\(id)","function_id":"\(function)",\
            "result":\(result)}
            """,
            on: worker.link
        )
    }
}
