import IIISDK

// A worker that answers requests over HTTP at once, for the group `web` of the benchmarks:
//
//     III_URL=ws://127.0.0.1:PORT bench-worker BODY

guard let body = CommandLine.arguments.dropFirst().first else {
    preconditionFailure("the body that requests are answered with is missing")
}
let answer = try RawJSON("{\"status_code\":200,\"body\":\(body)}")
let worker = try await Worker.connect("bench-worker")
try await worker.register(onEventLoop: "bench::http") { _, reply in reply.succeed(answer) }
try await worker.trigger(.http(.post, "/bench"), runs: "bench::http")
try await worker.run()
