import JSON
import Primitives
import Testing
import WorkerProtocol

/// Messages that are JSON, and more than is taken.
@Suite("Messages beyond the bounds")
struct RefusalTests {
    private static let beyond = [
        "1e999", "[-1e400]", String(repeating: "1", count: 5000),
        String(repeating: "[", count: 200) + String(repeating: "]", count: 200),
    ]

    private func taken(_ text: String) throws -> Taken {
        let taken = Taken()
        try Array(text.utf8).withUnsafeBufferPointer { try WorkerFrame.decode($0, for: taken) }
        return taken
    }

    @Test("of a call it is read who makes it, and what for", arguments: beyond)
    func calls(data: String) throws {
        let taken = try taken(
            #"{"data":\#(data),"function_id":"f","invocation_id":"i","action":{"type":"enqueue","#
                + #""queue":"q"},"type":"invokefunction"}"#
        )
        #expect(taken.frames.isEmpty)
        #expect(taken.refused == [#"i f enqueue(queue: "q")"#])
    }

    @Test("a result of that kind is a failure to whoever waits for it", arguments: beyond)
    func results(value: String) throws {
        for member in ["result", "error"] {
            let taken = try taken(
                #"{"\#(member)":\#(value),"function_id":"f","invocation_id":"i","#
                    + #""type":"invocationresult"}"#
            )
            guard case .result(let frame)? = taken.frames.first,
                case .failure(let error) = frame.result
            else {
                Issue.record("\(taken.frames)")
                continue
            }
            #expect(frame.invocationID == .text("i"))
            #expect(error.code == "invocation_error")
            #expect(error.message.contains("is not JSON: byte "))
        }
    }

    @Test("nobody waits for anything else, nor for what is no JSON behind that")
    func others() {
        let texts = [
            #"{"type":"registerfunction","id":"f","metadata":1e999}"#,
            #"{"type":"invokefunction","function_id":"f","data":[1e999}"#,
            #"{"type":"invokefunction","data":1e999}"#,
            #"{"type":"invocationresult","result":1e999}"#,
        ]
        for text in texts {
            #expect(throws: FrameError.self, "\(text)") { try taken(text) }
        }
    }

    private final class Taken: WorkerFrameReceiver {
        var frames: [WorkerFrame] = []
        var refused: [String] = []

        func take(_ invoke: IncomingInvoke, bytes: Int) throws(FrameError) {
            frames.append(.invoke(try InvokeFrame(invoke)))
        }

        func refuse(
            _ invoke: IncomingInvoke,
            because reason: FrameError,
            bytes: Int
        ) throws(FrameError) {
            let id = try invoke.invocationID?.description ?? "none"
            let function = try invoke.functionID
            refused.append("\(id) \(function) \(invoke.action)")
        }

        func take(_ result: consuming ResultFrame, bytes: Int) { frames.append(.result(result)) }

        func take(_ frame: WorkerFrame, bytes: Int) { frames.append(frame) }
    }
}
