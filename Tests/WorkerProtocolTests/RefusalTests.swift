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

    @Test("of what only informs a wrong kind of value is passed over")
    func hints() throws {
        for wrong in ["5", "{}", "[1]", "true"] {
            let call = try taken(
                #"{"type":"invokefunction","invocation_id":"i","function_id":"f","data":1,"#
                    + #""traceparent":\#(wrong),"baggage":\#(wrong)}"#
            )
            guard case .invoke(let invoke)? = call.frames.first else {
                Issue.record("\(call.refused)")
                continue
            }
            #expect(invoke.data == Array("1".utf8))
            #expect(invoke.traceparent == nil && invoke.baggage == nil)
            let answer = try taken(
                #"{"type":"invocationresult","invocation_id":"i","function_id":"f","result":1,"#
                    + #""traceparent":\#(wrong),"baggage":\#(wrong)}"#
            )
            let frame = ResultFrame(
                invocationID: .text("i"),
                functionID: "f",
                result: .value(Array("1".utf8))
            )
            #expect(answer.frames == [.result(frame)])
        }
    }

    @Test("who waits hears of a member that is missing, or of another kind")
    func members() throws {
        let call = try taken(
            #"{"type":"invokefunction","invocation_id":"i","function_id":"f","namespace":5}"#
        )
        #expect(call.refused == ["i f call"])
        let unnamed = try taken(#"{"type":"invokefunction","invocation_id":"i","data":1}"#)
        #expect(unnamed.refused == ["i none call"])
        let result = try taken(#"{"type":"invocationresult","invocation_id":"i","result":1}"#)
        guard case .result(let frame)? = result.frames.first,
            case .failure(let error) = frame.result
        else {
            Issue.record("\(result.frames)")
            return
        }
        #expect(frame.invocationID == .text("i"))
        #expect(error.code == "invocation_error")
        #expect(error.message.contains("function_id"))
    }

    @Test("who observes hears that nothing can be made of it")
    func observers() throws {
        let target = #""target":{"function_id":"t"}"#
        let unsourced = try taken(#"{"type":"observe","id":"o",\#(target)}"#)
        #expect(unsourced.frames.isEmpty && unsourced.refused.count == 1)
        #expect(unsourced.refused.first?.hasPrefix("o observer: ") == true)
        #expect(unsourced.refused.first?.contains("source") == true)
        let unbounded = try taken(
            #"{"type":"observe","id":"o","source":{"function_id":"s"},\#(target),"#
                + #""max_fires":1e999}"#
        )
        #expect(unbounded.refused.count == 1)
        for id in ["", #""id":5,"#] {
            #expect(throws: FrameError.self) { try taken(#"{"type":"observe",\#(id)\#(target)}"#) }
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
            guard let id = try invoke.invocationID?.description else { throw reason }
            let function = (try? invoke.functionID) ?? "none"
            refused.append("\(id) \(function) \(invoke.action)")
        }

        func take(_ result: consuming ResultFrame, bytes: Int) { frames.append(.result(result)) }

        func refuse(observer id: String, because reason: FrameError, bytes: Int) {
            refused.append("\(id) observer: \(reason)")
        }

        func take(_ frame: WorkerFrame, bytes: Int) { frames.append(frame) }
    }
}
