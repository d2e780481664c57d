import Foundation

/// Client frames with something wrong in them: damaged messages in sound frames for the most part,
/// sound messages in damaged frames now and then. The same seed gives the same frames.
struct FrameMutator {
    private var random: SeededNumbers
    private let messages: [[UInt8]]

    /// Bytes that mean something to JSON come up more often than chance would have it.
    private static let telling = Array(#"{}[]",:\/u0e-.nNItf"#.utf8) + [0x00, 0x1F, 0x80, 0xFF]

    init(seed: UInt64) {
        random = SeededNumbers(seed: seed)
        let corpus = "\(Project.root)/Tests/Fuzz/corpus/worker-frame"
        let kept = files(below: corpus).compactMap {
            FileManager.default.contents(atPath: "\(corpus)/\($0)").map { Array($0) }
        }
        messages = FrameMutator.valid.map { Array($0.utf8) } + kept
    }

    mutating func chance(_ probability: Double) -> Bool { random.chance(probability) }

    /// Where a peer connects.
    mutating func path() -> String { chance(0.9) ? "/" : "/otel" }

    /// One frame, masked.
    mutating func next() -> [UInt8] {
        var message = messages[Int.random(in: 0..<messages.count, using: &random)]
        let isWhole = chance(0.3)
        if !isWhole {
            for _ in 0..<Int.random(in: 1...4, using: &random) { damage(&message) }
        }
        // Text that is no UTF-8 ends the connection: rarely, and a dead one tests nothing.
        let isText = String(validating: message, as: UTF8.self) != nil || chance(0.005)
        let opcode: UInt8 = isText && chance(0.9) ? 0x1 : 0x2
        var frame = WebSocket.frame(opcode, message)
        if chance(0.004) {
            let place = Int.random(in: 0..<min(14, frame.count), using: &random)
            frame[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        } else if chance(0.02) {
            frame = WebSocket.frame(chance(0.5) ? 0x9 : 0xA, Array(message.prefix(125)))
        }
        return frame
    }

    private mutating func damage(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else { return }
        let position = Int.random(in: 0..<bytes.count, using: &random)
        let telling = Self.telling[Int.random(in: 0..<Self.telling.count, using: &random)]
        switch Int.random(in: 0..<12, using: &random) {
        case 0: bytes.remove(at: position)
        case 1: bytes.removeSubrange(position...)
        case 2, 3:
            let end = Int.random(in: position..<bytes.count, using: &random)
            bytes.insert(contentsOf: bytes[position...end], at: position)
        case 4, 5, 6: bytes[position] = telling & 0x7F
        case 7, 8: bytes.insert(telling & 0x7F, at: position)
        case 9:
            // A member of another message: the right shape with the wrong things in it.
            let other = messages[Int.random(in: 0..<messages.count, using: &random)]
            bytes.replaceSubrange(position..., with: other.dropFirst(position))
        case 10: bytes[position] ^= 1 << UInt8.random(in: 0..<7, using: &random)
        default: if chance(0.05) { bytes[position] = telling | 0x80 }
        }
    }

    /// Every message that a worker may send, with the names of nobody who behaves.
    private static let valid = [
        #"{"type":"ping"}"#,
        #"{"type":"pong"}"#,
        #"{"type":"registerfunction","id":"fuzz::fn","description":"d","metadata":{"a":1}}"#,
        #"{"type":"unregisterfunction","id":"fuzz::fn"}"#,
        #"{"type":"registerfunction","id":"fuzz::http","invocation":{"url":"https://x.test/"}}"#,
        #"{"type":"registerservice","id":"fuzz","name":"fuzz"}"#,
        #"{"type":"registertriggertype","id":"fuzz::type","description":"d","namespace":"fuzz"}"#,
        #"{"type":"unregistertriggertype","id":"fuzz::type"}"#,
        trigger("1", "http", #"{"api_path":"/fuzz/:a","http_method":"GET"}"#),
        trigger("2", "cron", #"{"expression":"*/5 * * * * *"}"#),
        trigger("3", "queue", #"{"topic":"fuzz","concurrency":2,"max_retries":1}"#),
        trigger("4", "fuzz::type", #"{"deep":[[[{"x":null}]]]}"#),
        trigger("5", "state", #"{"scope":"fuzz"}"#),
        #"{"type":"unregistertrigger","id":"00000000-0000-4000-8000-000000000001"}"#,
        #"{"type":"triggerregistrationresult","id":"1","trigger_type":"t","function_id":"f"}"#,
        call("engine::workers::register", #"{"runtime":"python","version":"0.25.0","name":"z"}"#),
        call("fuzz::fn", #"{"list":[1,2.5,-3e7,"\u00e9\ud83d\ude00",null,true]}"#),
        call("fuzz::fn", "{}", #","action":{"type":"void"}"#),
        call("fuzz::fn", "{}", #","action":{"type":"enqueue","queue":"default"}"#),
        call("fuzz::fn", "[NaN,Infinity]", #","namespace":"fuzz","metadata":{"t":"x"}"#),
        call("state::set", #"{"scope":"fuzz","key":"k","value":{"v":1}}"#),
        call("state::get", #"{"scope":"fuzz","key":"k"}"#),
        call("state::update", #"{"scope":"fuzz","key":"k","ops":[{"type":"set","path":"v"}]}"#),
        call("state::list", #"{"scope":"fuzz"}"#),
        call("state::delete", #"{"scope":"fuzz","key":"k"}"#),
        call("iii::durable::publish", #"{"topic":"fuzz","data":{"n":1}}"#),
        call("engine::functions::list", "{}"),
        call("engine::workers::list", "null"),
        call("engine::registered-triggers::list", "{}"),
        call("engine::queue::topic_stats", #"{"topic":"default"}"#),
        call("engine::log::info", #"{"message":"fuzz","data":{"a":1}}"#),
        #"{"type":"invocationresult","invocation_id":"\#(id)","function_id":"f","result":{"a":1}}"#,
        #"{"type":"invocationresult","invocation_id":"\#(id)","function_id":"f","#
            + #""error":{"code":"c","message":"m","stacktrace":"s"}}"#,
        #"{"type":"reattach","previous_worker_id":"\#(id)","reattach_token":"\#(id)"}"#,
        #"OTLP{"resourceSpans":[]}"#,
        #"LOGS{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"x"}}]}]}]}"#,
    ]

    private static let id = "0f2c4d3e-1111-4222-8333-444455556666"

    private static func call(_ function: String, _ data: String, _ rest: String = "") -> String {
        #"{"type":"invokefunction","invocation_id":"\#(id)","function_id":"\#(function)","#
            + #""data":\#(data),"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-"#
            + #"00f067aa0ba902b7-01","baggage":"k=v"\#(rest)}"#
    }

    private static func trigger(_ number: String, _ type: String, _ config: String) -> String {
        #"{"type":"registertrigger","id":"00000000-0000-4000-8000-00000000000\#(number)","#
            + #""trigger_type":"\#(type)","function_id":"fuzz::fn","config":\#(config)}"#
    }
}
