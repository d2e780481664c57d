import JSON
import Primitives
import Testing
import WorkerProtocol

@Suite("Messages about observers")
struct ObserveFrameTests {
    private func decode(_ text: String) throws -> WorkerFrame {
        try WorkerFrame(decoding: Array(text.utf8))
    }

    private func observe(_ source: String) throws -> ObserveFrame? {
        let text =
            #"{"type":"observe","id":"o","source":\#(source),"target":{"function_id":"t"}}"#
        guard case .observe(let frame) = try decode(text) else { return nil }
        return frame
    }

    @Test("null is absent where an object has optional members")
    func nulls() throws {
        let frame = try observe(
            #"{"function_id":"f","namespace":null,"args":null,"filters":null,"capture":null,"#
                + #""on":null,"deliver":null}"#
        )
        #expect(frame?.source == ObserveFrame.Source(functionID: "f"))
    }

    @Test("filters that had to be repaired say so, and those that stand beside them do not")
    func repairs() throws {
        let wrong = #"{"input":{"$eq":NaN}}"#
        #expect(
            try observe(#"{"function_id":"f","filters":\#(wrong)}"#)?.source.areFiltersRepaired
                == true
        )
        let lone = #"{"input":{"$eq":"\ud800"}}"#
        #expect(
            try observe(#"{"filters":\#(lone),"function_id":"f"}"#)?.source.areFiltersRepaired
                == true
        )
        let beside = try observe(#"{"function_id":"f","args":{"a":NaN},"filters":{}}"#)
        #expect(beside?.source.areFiltersRepaired == false)
        #expect(beside?.source.args?.description == #"{"a":null}"#)
    }

    @Test(
        "what lacks its ids, or has something else in their place, is an error that says where",
        arguments: [
            (#"{"type":"observe","id":"o","source":{"function_id":"f"}}"#, "target"),
            (#"{"type":"observe","id":"o","source":{},"target":{}}"#, "source.function_id"),
            (#"{"type":"observe","id":"o","source":1,"target":{"function_id":"t"}}"#, "source"),
            (
                #"{"type":"observe","source":{"function_id":"f"},"target":{"function_id":"t"}}"#,
                "id"
            ),
            (#"{"type":"unobserve"}"#, "id"),
            (#"{"type":"observerack","id":"o","revision":1}"#, "function_id"),
            (#"{"type":"invocationsobserved","items":[{}]}"#, "function_id"),
            (#"{"type":"invocationsobserved","items":[1]}"#, "object"),
            (#"{"type":"localinvocationstats","functions":[{"count":1}]}"#, "function_id"),
        ]
    )
    func errors(text: String, place: String) {
        do {
            let frame = try decode(text)
            Issue.record("it is \(frame)")
        } catch {
            #expect("\(error)".contains(place), "\(error)")
        }
    }

    @Test("an odd depth is none")
    func depth() throws {
        for odd in ["-1", "1.5", "\"2\"", "null", "true"] {
            let frame = try decode(
                #"{"type":"invokefunction","function_id":"f","observe_depth":\#(odd)}"#
            )
            guard case .invoke(let invoke) = frame else { continue }
            #expect(invoke.observeDepth == 0)
        }
    }

    private let info = ObserveReply.ObserverInfo(
        id: "f2b1",
        args: .emptyObject,
        filters: .emptyObject,
        target: "alerts::paid",
        capture: ["input"],
        on: "success",
        legacy: ObserveReply.ObserverInfo.Legacy(triggerType: "cron", config: .null)
    )

    @Test("the engine says it as the protocol shows it")
    func replies() {
        func expect(_ reply: ObserveReply, _ text: String) {
            #expect(String(decoding: reply.bytes, as: UTF8.self) == text)
            #expect(reply.byteCount == text.utf8.count)
        }
        let shown =
            #"{"id":"f2b1","args":{},"filters":{},"target":"alerts::paid","capture":["input"],"#
            + #""on":"success","legacy":{"trigger_type":"cron","config":null}}"#
        expect(
            .functionRegistered(id: "pay", namespace: "default", revision: 3, observers: [info]),
            #"{"type":"functionregistered","id":"pay","namespace":"default","revision":3,"#
                + #""local_dispatch":false,"observers":[\#(shown)]}"#
        )
        expect(
            .observerAdded(functionID: "pay", namespace: "n", revision: 4, observer: info),
            #"{"type":"observeradded","function_id":"pay","namespace":"n","revision":4,"#
                + #""observer":\#(shown)}"#
        )
        expect(
            .observerRemoved(functionID: "pay", namespace: "n", revision: 5, id: "a"),
            #"{"type":"observerremoved","function_id":"pay","namespace":"n","revision":5,"#
                + #""id":"a"}"#
        )
        expect(
            .result(id: "a", state: "pending", error: nil, warnings: ["w"]),
            #"{"type":"observeresult","id":"a","state":"pending","warnings":["w"]}"#
        )
        expect(
            .result(
                id: "a",
                state: "error",
                error: ErrorBody(code: "INVALID_FILTER", message: "m"),
                warnings: []
            ),
            #"{"type":"observeresult","id":"a","state":"error","#
                + #""error":{"code":"INVALID_FILTER","message":"m"}}"#
        )
        expect(
            .stateChanged(id: "a", state: "active", reason: nil, fires: 7),
            #"{"type":"observerstatechanged","id":"a","state":"active","fires":7}"#
        )
    }

    @Test("a call says where it comes from, to whom it may be said")
    func dispatches() throws {
        let parent = try #require(TraceParent(sampleTrace))
        let frame = DispatchFrame(
            invocation: sampleID,
            functionID: "f",
            data: [0x31],
            caller: nil,
            metadata: nil,
            traceparent: parent,
            baggage: nil,
            observation: DispatchFrame.Observation(
                caller: json(#"{"worker_id":"w"}"#),
                depth: 3,
                activation: DispatchFrame.Observation.Activation(observer: "o", id: sampleID)
            )
        )
        let call = InvokeFrame(
            invocationID: .uuid(sampleID),
            functionID: "f",
            data: [0x31],
            traceparent: sampleTrace,
            caller: json(#"{"worker_id":"w"}"#),
            observeDepth: 3,
            activation: json(#"{"observer_id":"o","activation_id":"\#(sampleIDText)"}"#)
        )
        #expect(frame.bytes == EngineFrame.invoke(call).bytes)
        #expect(frame.byteCount == frame.bytes.count)
    }
}
