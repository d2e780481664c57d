import Events
import Primitives

@testable import Observability

/// A log that is written a record a millisecond, and followed.
final class FollowBench {
    let log: FollowedLog
    private(set) var next = Offset.zero
    private(set) var now = Timestamp(seconds: 1_900_000_000)
    let worker = UUID128(high: 7, low: 7)
    private var invocations: UInt64 = 0

    init(
        requests limit: Int = 100,
        telemetry settings: TelemetryStore.Settings = TelemetryStore.Settings()
    ) {
        log = FollowedLog(requests: limit, telemetry: settings)
    }

    @discardableResult
    func write(_ event: Event, _ trace: UInt64? = 1, cause: Offset? = nil) -> Offset {
        let offset = next
        log.take([
            FollowedRecord(
                offset: offset,
                time: now,
                trace: trace.flatMap { TraceID(high: 1, low: $0) },
                cause: cause,
                event: event,
                byteCount: 10
            )
        ])
        next = next.advanced(by: 1)
        now = now.advanced(by: .milliseconds(1))
        return offset
    }

    func pass(_ span: Timestamp.Span) { now = now.advanced(by: span) }

    func row(_ trace: UInt64 = 1) -> RequestRow? {
        TraceID(high: 1, low: trace).flatMap { log.request($0) }
    }

    func trace(_ number: UInt64) -> String { TraceID(high: 1, low: number)?.description ?? "" }

    func name(_ id: String) -> FunctionName { FunctionName(namespace: "default", id: id) }

    let failure = FunctionResult.failure(ErrorBody(code: "E", message: "it broke"))

    // MARK: What the engine writes

    func request(_ trace: UInt64? = 1, function: String = "hello") -> Offset {
        write(
            .triggered(
                Triggered(
                    type: "http",
                    trigger: "t",
                    summary: "GET /hello",
                    function: name(function),
                    event: []
                )
            ),
            trace
        )
    }

    func invoke(
        _ function: String,
        _ trace: UInt64? = 1,
        cause: Offset?,
        isCondition: Bool = false,
        parent: RemoteSpan? = nil
    ) -> Offset {
        invocations += 1
        return write(
            .invoked(
                Invoked(
                    invocation: UUID128(high: 1, low: invocations),
                    function: name(function),
                    worker: worker,
                    caller: UUID128(high: 0, low: 0),
                    awaited: true,
                    isCondition: isCondition,
                    input: [],
                    parent: parent?.span ?? 0,
                    flags: parent?.flags
                )
            ),
            trace,
            cause: cause
        )
    }

    @discardableResult
    func complete(
        _ start: Offset,
        _ trace: UInt64? = 1,
        _ result: FunctionResult = .none
    ) -> Offset {
        write(
            .completed(
                Completed(
                    invocation: UUID128(high: 0, low: 0),
                    result: result,
                    duration: .milliseconds(1)
                )
            ),
            trace,
            cause: start
        )
    }

    func enqueue(
        _ function: String?,
        _ trace: UInt64? = 1,
        cause: Offset? = nil,
        baggage: String? = nil,
        parent: RemoteSpan? = nil
    ) -> Offset {
        write(
            .queue(
                .enqueued(
                    Enqueued(
                        queue: function == nil ? "topic" : "mails",
                        target: function.map { name($0) },
                        receipt: UUID128(high: 3, low: 3),
                        group: nil,
                        baggage: baggage,
                        payload: [],
                        parent: parent
                    )
                )
            ),
            trace,
            cause: cause
        )
    }

    func deliver(
        _ message: Offset,
        _ trace: UInt64? = 1,
        attempt: UInt32 = 1,
        queue: String = "mails"
    ) -> Offset {
        write(
            .queue(
                .delivered(
                    Delivered(
                        queue: queue,
                        message: message,
                        worker: worker,
                        invocation: UUID128(high: 2, low: UInt64(attempt)),
                        attempt: attempt
                    )
                )
            ),
            trace,
            cause: message
        )
    }

    func ack(
        _ message: Offset,
        _ delivery: Offset,
        _ trace: UInt64? = 1,
        queue: String = "mails"
    ) {
        let event = Acked(
            queue: queue,
            message: message,
            result: .none,
            duration: .milliseconds(1)
        )
        write(.queue(.acked(event)), trace, cause: delivery)
    }

    func retry(_ message: Offset, _ delivery: Offset, _ trace: UInt64? = 1) {
        let event = Retried(
            queue: "mails",
            message: message,
            failures: 1,
            notBefore: now,
            error: ErrorBody(code: "E", message: "try again")
        )
        write(.queue(.retried(event)), trace, cause: delivery)
    }

    func bury(
        _ message: Offset,
        _ delivery: Offset,
        _ trace: UInt64? = 1,
        queue: String = "mails"
    ) {
        let event = DeadLettered(
            queue: queue,
            message: message,
            failures: 3,
            error: ErrorBody(code: "E", message: "no use")
        )
        write(.queue(.deadLettered(event)), trace, cause: delivery)
    }

    /// By somebody whose own trace it is.
    func discard(_ message: Offset, queue: String) {
        write(.queue(.discarded(Discarded(queue: queue, message: message))), 9)
    }

    /// By somebody whose own trace it is.
    func purge(_ messages: Offset..., queue: String = "mails", areDead: Bool = false) {
        let event = Purged(queue: queue, by: "w", messages: messages, areDead: areDead)
        write(.queue(.purged(event)), 9)
    }

    func describe() {
        let event = WorkerDescribed(
            worker: worker,
            name: "greeter",
            namespace: "default",
            runtime: "node",
            version: "0.25.0"
        )
        write(.workerDescribed(event), nil)
    }
}
