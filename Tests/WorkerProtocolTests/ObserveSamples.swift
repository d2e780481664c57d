import JSON
import Primitives
import WorkerProtocol

let workerSamples = plainWorkerSamples + observeSamples

/// What workers say about observers, in the bytes that it is written in.
private let observeSamples: [Sample<WorkerFrame>] = [
    Sample(
        .observe(fullObserve),
        #"{"type":"observe","id":"f2b1","source":{"function_id":"pay::charge","namespace":"shop","#
            + #""args":{"k":1},"filters":{"input.amount":{"$gte":500}},"#
            + #""capture":["input","output"],"on":"success","deliver":"envelope"},"#
            + #""target":{"function_id":"alerts::paid","namespace":"shop"},"metadata":{"t":1},"#
            + #""max_fires":10,"expires_in_ms":60000,"max_in_flight":4}"#
    ),
    Sample(
        .observe(
            ObserveFrame(
                id: "o",
                source: ObserveFrame.Source(functionID: "f"),
                target: ObserveFrame.Target(functionID: "t")
            )
        ),
        #"{"type":"observe","id":"o","source":{"function_id":"f"},"target":{"function_id":"t"}}"#
    ),
    Sample(.unobserve(id: "f2b1"), #"{"type":"unobserve","id":"f2b1"}"#),
    Sample(
        .observerAck(
            ObserverAckFrame(functionID: "pay", namespace: "default", id: "a7c3", revision: 4)
        ),
        #"{"type":"observerack","function_id":"pay","namespace":"default","id":"a7c3","#
            + #""revision":4}"#
    ),
    Sample(
        .observerAck(
            ObserverAckFrame(
                functionID: "pay",
                namespace: nil,
                id: "a7c3",
                revision: 4,
                error: ErrorBody(code: "OBSERVE_REJECTED", message: "no")
            )
        ),
        #"{"type":"observerack","function_id":"pay","id":"a7c3","revision":4,"#
            + #""error":{"code":"OBSERVE_REJECTED","message":"no"}}"#
    ),
    Sample(
        .invocationsObserved([fullReport, ObservedInvocation(functionID: "f", invocationID: "i")]),
        #"{"type":"invocationsobserved","items":[{"function_id":"pay","namespace":"default","#
            + #""invocation_id":"aa0d","matched":["f2b1"],"status":"error","input":{"n":7},"#
            + #""output":null,"error":{"code":"c"},"caller":{"worker_name":"lab"},"metadata":1,"#
            + #""started_at_ms":1760000000000.0,"duration_ms":5.67,"observe_depth":2,"#
            + #""traceparent":"\#(sampleTrace)","baggage":"k=v"},"#
            + #"{"function_id":"f","invocation_id":"i","matched":[],"status":"success","#
            + #""started_at_ms":0.0,"duration_ms":0.0,"observe_depth":0}]}"#
    ),
    Sample(
        .localInvocationStats(
            LocalInvocationStats(
                windowMilliseconds: 10009,
                functions: [
                    LocalInvocationStats.Function(
                        functionID: "f",
                        count: 2,
                        errors: 1,
                        durationMilliseconds: 6.15
                    )
                ],
                dropped: [
                    LocalInvocationStats.Dropped(functionID: "f", reason: "BUFFER_FULL", count: 1)
                ]
            )
        ),
        #"{"type":"localinvocationstats","window_ms":10009,"#
            + #""functions":[{"function_id":"f","count":2,"errors":1,"duration_ms_sum":6.15}],"#
            + #""dropped_reports":[{"function_id":"f","reason":"BUFFER_FULL","count":1}]}"#
    ),
    Sample(
        .invoke(
            InvokeFrame(
                invocationID: .text("c"),
                functionID: "f",
                data: [0x31],
                caller: json(#"{"function_id":"g"}"#),
                observeDepth: 2,
                activation: json(#"{"observer_id":"o"}"#)
            )
        ),
        #"{"type":"invokefunction","invocation_id":"c","function_id":"f","data":1,"#
            + #""caller":{"function_id":"g"},"observe_depth":2,"activation":{"observer_id":"o"}}"#
    ),
    Sample(
        .registerFunction(
            FunctionRegistration(id: "f", observe: json(#"{"delivery":"owner"}"#))
        ),
        #"{"type":"registerfunction","id":"f","observe":{"delivery":"owner"}}"#
    ),
]

private let fullObserve: ObserveFrame = {
    var frame = ObserveFrame(
        id: "f2b1",
        source: ObserveFrame.Source(functionID: "pay::charge", namespace: "shop"),
        target: ObserveFrame.Target(functionID: "alerts::paid", namespace: "shop")
    )
    frame.source.args = json(#"{"k":1}"#)
    frame.source.filters = json(#"{"input.amount":{"$gte":500}}"#)
    frame.source.capture = ["input", "output"]
    frame.source.on = "success"
    frame.source.deliver = "envelope"
    frame.metadata = json(#"{"t":1}"#)
    frame.maxFires = 10
    frame.expiresInMilliseconds = 60000
    frame.maxInFlight = 4
    return frame
}()

private let fullReport: ObservedInvocation = {
    var report = ObservedInvocation(
        functionID: "pay",
        namespace: "default",
        invocationID: "aa0d"
    )
    report.matched = ["f2b1"]
    report.status = "error"
    report.input = json(#"{"n":7}"#)
    report.output = .null
    report.error = json(#"{"code":"c"}"#)
    report.caller = json(#"{"worker_name":"lab"}"#)
    report.metadata = json("1")
    report.startedMilliseconds = 1_760_000_000_000
    report.durationMilliseconds = 5.67
    report.observeDepth = 2
    report.traceparent = sampleTrace
    report.baggage = "k=v"
    return report
}()
