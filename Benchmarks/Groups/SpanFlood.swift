import Glibc

/// Requests over HTTP at a fixed rate while a worker's telemetry socket brings 100,000 spans a
/// second, and while it brings none.
enum SpanFlood {
    static let bench = "HTTP beside a flood of spans"
    static let quiet = "iii, no spans"
    static let flooded = "iii, 100,000 spans a second"

    private static let perSecond = 100_000
    private static let spansOfFrame = 100
    private static let rounds = 3

    static func run(_ settings: Settings, _ row: (Measurement) -> Void) throws(Failure) {
        let engine = try EngineProcess(
            program: settings.engine,
            in: settings.scratch,
            watched: .onDashboard
        )
        let worker = try Child(
            [
                "env", "III_URL=ws://127.0.0.1:\(engine.worker)", Child.neighbour("bench-worker"),
                Web.body,
            ],
            log: "\(settings.scratch)/worker.log"
        )
        var rows: [String: [Measurement]] = [:]
        for _ in 0..<rounds {
            let asker = try RequestsApart(to: engine.http, in: settings.scratch)
            rows[quiet, default: []].append(try asker.finish(bench, quiet))
            let other = try RequestsApart(to: engine.http, in: settings.scratch)
            let sent = try flood(engine, seconds: RequestsApart.seconds)
            var measured = try other.finish(bench, flooded)
            measured.add(note: "\(sent) spans sent")
            rows[flooded, default: []].append(measured)
        }
        withExtendedLifetime(worker) {}
        let dropped = try droppedFrames(engine)
        for system in [quiet, flooded] {
            guard var middle = rows[system]?.middle else { continue }
            if system == flooded {
                middle.add(note: "\(dropped) messages of \(spansOfFrame) spans dropped in all")
            }
            row(middle)
        }
    }

    /// Sends spans at the rate, as far as the engine takes them, for so long.
    private static func flood(_ engine: EngineProcess, seconds: Double) throws(Failure) -> Int {
        let reactor = Reactor()
        let socket = try WorkerLink(port: engine.worker, name: nil, on: reactor)
        let begin = Monotonic.now()
        let interval = UInt64(1e9 / Double(perSecond / spansOfFrame))
        let end = begin + UInt64(seconds * 1e9)
        var sent = 0
        try reactor.run(within: seconds + 5, what: "end of the flood", tick: 1) { now in
            let due = min(now, end) - begin
            while UInt64(sent) * interval < due, socket.link.output.bytes.count < 1 << 20 {
                frame.send(number: UInt64(sent), on: socket.link)
                sent += 1
            }
            return now >= end && socket.link.output.isEmpty
        }
        return sent * spansOfFrame
    }

    private static func droppedFrames(_ engine: EngineProcess) throws(Failure) -> String {
        guard let port = engine.dashboard else { return "?" }
        let reactor = Reactor()
        let link = try Link(port: port)
        try reactor.add(link)
        let request = "GET /metrics HTTP/1.1\r\nHost: \(link.peer)\r\nConnection: close\r\n\r\n"
        return try reactor.exchange(Array(request.utf8), on: link, what: "metrics") {
            (bytes) throws(Failure) in
            let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
            // What is behind it is whole.
            guard let line = lines.dropLast().first(where: { $0.hasPrefix(metric) }) else {
                return .notWhole
            }
            return .done(String(line.dropFirst(metric.count)), bytes.count)
        }
    }

    private static let metric = "iii_telemetry_dropped_total "

    /// A frame of spans; the ids of all of them have its number.
    private static let frame = FrameTemplate(
        "OTLP{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\","
            + "\"value\":{\"stringValue\":\"bench\"}}]},\"scopeSpans\":[{\"scope\":{\"name\":\"bench\"},"
            + "\"spans\":[\((0..<spansOfFrame).map(span).joined(separator: ","))]}]}]}",
        isText: false
    )

    private static func span(_ index: Int) -> String {
        let digits = String(index + 0x1000, radix: 16)
        return
            "{\"traceId\":\"00000000000000000000############\",\"spanId\":\"\(digits)############\","
            + "\"name\":\"work\",\"kind\":1,\"startTimeUnixNano\":\"1900000000000000000\","
            + "\"endTimeUnixNano\":\"1900000000001000000\",\"status\":{\"code\":1},"
            + "\"attributes\":[{\"key\":\"step\",\"value\":{\"stringValue\":\"a\"}}]}"
    }
}
