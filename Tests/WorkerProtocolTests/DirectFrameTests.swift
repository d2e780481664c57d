import JSON
import Primitives
import Testing
import WorkerProtocol

@Suite("Messages that are written without a detour")
struct DirectFrameTests {
    @Test("a receipt is the result that it stands for")
    func receipt() throws {
        for id in [InvocationID.uuid(sampleID), .text("mine, \"quoted\"")] {
            for context in [nil, "k=\u{1F}"] {
                let frame = ReceiptFrame(
                    invocationID: id,
                    functionID: "mail::\\send",
                    receipt: sampleID,
                    traceparent: context,
                    baggage: context
                )
                let result = ResultFrame(
                    invocationID: id,
                    functionID: "mail::\\send",
                    result: .value(Array(#"{"messageReceiptId":"\#(sampleIDText)"}"#.utf8)),
                    traceparent: context,
                    baggage: context
                )
                #expect(frame.bytes == EngineFrame.result(result).bytes)
                #expect(frame.byteCount == frame.bytes.count)
            }
        }
    }

    @Test(
        "a dispatch is the call that it stands for, and an object names its sender last",
        arguments: [
            ("1", "1"), ("[]", "[]"), (#""{}""#, #""{}""#), ("{}", "{CALLER}"),
            ("{ \t\r\n}", "{ \t\r\nCALLER}"), (#"{"a":1}"#, #"{"a":1,CALLER}"#),
            (#"{"_caller_worker_id":"x"}"#, "{CALLER}"),
            (#"{"a":1,"_c\u0061ller_worker_id":"x","b":[2]}"#, #"{"a":1,"b":[2],CALLER}"#),
        ]
    )
    func dispatch(data: String, shown: String) throws {
        let parent = try #require(TraceParent(sampleTrace))
        let parts = shown.split(separator: "CALLER", omittingEmptySubsequences: false)
        let named = parts.joined(separator: #""_caller_worker_id":"\#(sampleIDText)""#)
        for (caller, expected) in [(nil, data), (sampleID, named)] {
            for metadata in [nil, json(#"{"tenant":"acme"}"#)] {
                let frame = DispatchFrame(
                    invocation: sampleID,
                    functionID: "mail::send",
                    data: Array(data.utf8),
                    caller: caller,
                    metadata: metadata,
                    traceparent: parent,
                    baggage: metadata == nil ? nil : "k=v"
                )
                let call = InvokeFrame(
                    invocationID: .uuid(sampleID),
                    functionID: "mail::send",
                    data: Array(expected.utf8),
                    metadata: metadata,
                    traceparent: sampleTrace,
                    baggage: metadata == nil ? nil : "k=v"
                )
                #expect(frame.bytes == EngineFrame.invoke(call).bytes)
                #expect(frame.byteCount == frame.bytes.count)
            }
        }
    }
}
