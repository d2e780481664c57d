import JSON
import Primitives
import WorkerProtocol

/// One message in the exact bytes that it is written in.
struct Sample<Message: Frame>: Sendable {
    let frame: Message
    let text: String

    init(_ frame: Message, _ text: String) {
        self.frame = frame
        self.text = text
    }
}

let sampleID = UUID128(high: 0x0F2C_4D3E_1111_4222, low: 0x8333_4444_5555_6666)
let sampleIDText = "0f2c4d3e-1111-4222-8333-444455556666"
let sampleTrace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func json(_ text: String) -> JSONText { JSONText(trusted: Array(text.utf8)) }

let fullInvoke = InvokeFrame(
    invocationID: .uuid(sampleID),
    functionID: "mail::send",
    data: Array(#"{"to":"a@example.com"}"#.utf8),
    metadata: json(#"{"tenant":"acme"}"#),
    traceparent: sampleTrace,
    baggage: "k=v",
    action: .enqueue(queue: "mails"),
    namespace: "default"
)

let fullTrigger = TriggerRegistration(
    id: "7a1e",
    type: "imap::mail",
    functionID: "mail::on",
    config: json(#"{"box":"INBOX"}"#),
    metadata: json(#"{"src":"a"}"#),
    namespace: "shop",
    triggerNamespace: "shop"
)

let callText =
    #"{"type":"invokefunction","invocation_id":"\#(sampleIDText)","function_id":"mail::send","#
    + #""data":{"to":"a@example.com"},"metadata":{"tenant":"acme"},"#
    + #""traceparent":"\#(sampleTrace)","baggage":"k=v","#
    + #""action":{"type":"enqueue","queue":"mails"},"namespace":"default"}"#

let triggerText =
    #"{"type":"registertrigger","id":"7a1e","trigger_type":"imap::mail","#
    + #""function_id":"mail::on","config":{"box":"INBOX"},"metadata":{"src":"a"},"#
    + #""namespace":"shop","trigger_namespace":"shop"}"#

let refusedTriggerText =
    #"{"type":"triggerregistrationresult","id":"7a1e","trigger_type":"imap::mail","#
    + #""function_id":"mail::on","error":{"code":"trigger_registration_failed","#
    + #""message":"no such mailbox"}}"#

let refusedTrigger = TriggerRegistrationResult(
    id: "7a1e",
    type: "imap::mail",
    functionID: "mail::on",
    error: ErrorBody(code: "trigger_registration_failed", message: "no such mailbox")
)

func resultText(_ ending: String) -> String {
    #"{"type":"invocationresult","invocation_id":"\#(sampleIDText)","function_id":"mail::send""#
        + ending + "}"
}

func resultFrame(_ result: FunctionResult, traceparent: String? = nil) -> ResultFrame {
    ResultFrame(
        invocationID: .uuid(sampleID),
        functionID: "mail::send",
        result: result,
        traceparent: traceparent
    )
}

let failure = ErrorBody(code: "invocation_failed", message: "smtp down", stacktrace: "at \"x\"\n")
let failureText =
    #","error":{"code":"invocation_failed","message":"smtp down","stacktrace":"at \"x\"\n"}"#

let plainWorkerSamples: [Sample<WorkerFrame>] = [
    Sample(.invoke(fullInvoke), callText),
    Sample(
        .invoke(
            InvokeFrame(
                invocationID: nil,
                functionID: "a",
                data: Array("null".utf8),
                action: .void
            )
        ),
        #"{"type":"invokefunction","function_id":"a","data":null,"action":{"type":"void"}}"#
    ),
    Sample(
        .invoke(
            InvokeFrame(
                invocationID: .text("call-1"),
                functionID: "a",
                data: [0x31],
                action: .unknown("later")
            )
        ),
        #"{"type":"invokefunction","invocation_id":"call-1","function_id":"a","data":1,"#
            + #""action":{"type":"later"}}"#
    ),
    Sample(
        .result(resultFrame(.value(Array(#"{"ok":true}"#.utf8)), traceparent: sampleTrace)),
        resultText(#","result":{"ok":true},"traceparent":"\#(sampleTrace)""#)
    ),
    Sample(.result(resultFrame(.none)), resultText("")),
    Sample(.result(resultFrame(.failure(failure))), resultText(failureText)),
    Sample(
        .registerFunction(
            FunctionRegistration(
                id: "mail::send",
                description: "Sends one mail",
                requestFormat: json(#"{"type":"object"}"#),
                responseFormat: json("true"),
                metadata: json(#"{"public":true}"#),
                invocation: json(#"{"url":"https://fn.example.com/mail","timeout_ms":5000}"#)
            )
        ),
        #"{"type":"registerfunction","id":"mail::send","description":"Sends one mail","#
            + #""request_format":{"type":"object"},"response_format":true,"#
            + #""metadata":{"public":true},"#
            + #""invocation":{"url":"https://fn.example.com/mail","timeout_ms":5000}}"#
    ),
    Sample(
        .unregisterFunction(id: "mail::send"),
        #"{"type":"unregisterfunction","id":"mail::send"}"#
    ),
    Sample(
        .registerTriggerType(
            TriggerTypeRegistration(
                id: "imap::mail",
                description: "Fires per mail",
                triggerRequestFormat: json(#"{"type":"object"}"#),
                callRequestFormat: json(#"{"type":"object"}"#),
                namespace: "shop"
            )
        ),
        #"{"type":"registertriggertype","id":"imap::mail","description":"Fires per mail","#
            + #""trigger_request_format":{"type":"object"},"#
            + #""call_request_format":{"type":"object"},"namespace":"shop"}"#
    ),
    Sample(
        .unregisterTriggerType(id: "imap::mail", namespace: "shop"),
        #"{"type":"unregistertriggertype","id":"imap::mail","namespace":"shop"}"#
    ),
    Sample(.registerTrigger(fullTrigger), triggerText),
    Sample(
        .unregisterTrigger(id: "7a1e", type: "imap::mail"),
        #"{"type":"unregistertrigger","id":"7a1e","trigger_type":"imap::mail"}"#
    ),
    Sample(.triggerRegistrationResult(refusedTrigger), refusedTriggerText),
    Sample(.registerService(id: "mail"), #"{"type":"registerservice","id":"mail"}"#),
    Sample(
        .reattach(previousWorkerID: sampleIDText, token: "2f0d7f6e"),
        #"{"type":"reattach","previous_worker_id":"\#(sampleIDText)","#
            + #""reattach_token":"2f0d7f6e"}"#
    ),
    Sample(.ping, #"{"type":"ping"}"#),
    Sample(.pong, #"{"type":"pong"}"#),
    Sample(.unknown(type: "later"), #"{"type":"later"}"#),
]

let engineSamples: [Sample<EngineFrame>] = [
    Sample(
        .workerRegistered(workerID: "5b0c1c52", reattachToken: "2f0d7f6e"),
        #"{"type":"workerregistered","worker_id":"5b0c1c52","reattach_token":"2f0d7f6e"}"#
    ),
    Sample(
        .workerRegistered(
            workerID: "5b0c1c52",
            reattachToken: "2f0d7f6e",
            features: ["observe.v1", "x"]
        ),
        #"{"type":"workerregistered","worker_id":"5b0c1c52","reattach_token":"2f0d7f6e","#
            + #""features":["observe.v1","x"]}"#
    ),
    Sample(
        .registrationRejected(
            RegistrationRejection(
                code: RegistrationRejection.functionConflict,
                namespace: "default",
                functionID: "mail::send",
                ownerWorkerID: "9d3f"
            )
        ),
        #"{"type":"registrationrejected","code":"FUNCTION_NAMESPACE_CONFLICT","#
            + #""namespace":"default","function_id":"mail::send","owner_worker_id":"9d3f"}"#
    ),
    Sample(
        .registrationRejected(
            RegistrationRejection(
                code: RegistrationRejection.workerConflict,
                namespace: "default",
                workerName: "mailer",
                ownerWorkerID: ""
            )
        ),
        #"{"type":"registrationrejected","code":"WORKER_NAMESPACE_CONFLICT","#
            + #""namespace":"default","worker_name":"mailer","owner_worker_id":""}"#
    ),
    Sample(.invoke(fullInvoke), callText),
    Sample(
        .result(resultFrame(.value(Array("[1,null]".utf8)))),
        resultText(#","result":[1,null]"#)
    ),
    Sample(.result(resultFrame(.none)), resultText("")),
    Sample(.result(resultFrame(.failure(failure))), resultText(failureText)),
    Sample(.registerTrigger(fullTrigger), triggerText),
    Sample(
        .unregisterTrigger(id: "7a1e", type: "imap::mail"),
        #"{"type":"unregistertrigger","id":"7a1e","trigger_type":"imap::mail"}"#
    ),
    Sample(.triggerRegistrationResult(refusedTrigger), refusedTriggerText),
    Sample(.ping, #"{"type":"ping"}"#),
    Sample(.pong, #"{"type":"pong"}"#),
    Sample(
        .error(ErrorBody(code: "AUTH_ERROR", message: "no token")),
        #"{"type":"error","error":{"code":"AUTH_ERROR","message":"no token"}}"#
    ),
    Sample(.unknown(type: "functionregistered"), #"{"type":"functionregistered"}"#),
]
