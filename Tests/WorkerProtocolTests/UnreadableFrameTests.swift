import Primitives
import Testing
import WorkerProtocol

@Suite("Messages that are no frames")
struct UnreadableFrameTests {
    /// `result i f`, or `nobody`.
    private func waiter(_ text: String) -> String {
        let frame = Array(text.utf8).withUnsafeBufferPointer { UnreadableFrame($0) }
        return frame.map { "\($0.kind) \($0.invocationID) \($0.functionID)" } ?? "nobody"
    }

    @Test(
        "are known by what can be read of them",
        arguments: [
            (#"{"type":"invocationresult","invocation_id":"i","function_id":"f","#, "result i f"),
            (#"{"function_id":"f","invocation_id":"i","type":"invokefunction"}"#, "invoke i f"),
            (#"{"type":"invocationresult","invocation_id":"i"}"#, "result i "),
            (#"{"type":"invocationresult","invocation_id":5,"function_id":"f"}"#, "nobody"),
            (#"{"type":"invocationresult","result":tru,"invocation_id":"i"}"#, "nobody"),
            (#"{"type":"registerfunction","invocation_id":"i"}"#, "nobody"),
            (#"{"invocation_id":"i"}"#, "nobody"), ("[1]", "nobody"), ("", "nobody"),
        ]
    )
    func known(text: String, expected: String) { #expect(waiter(text) == expected) }

    @Test("are read behind values of any depth", arguments: [128, 100_000])
    func deep(levels: Int) {
        let open = String(repeating: "[", count: levels)
        let value = open + String(repeating: "]", count: levels)
        let text = #"{"result":\#(value),"type":"invocationresult","invocation_id":"i"}"#
        let bytes = Array(text.utf8)
        #expect(throws: FrameError.self) { try WorkerFrame(decoding: bytes) }
        #expect(waiter(text) == "result i ")
    }
}
