import Primitives
import Testing

@testable import Events

/// One event of each kind, field by field different, and its bytes.
@Suite("The bytes of events")
struct GoldenTests {
    @Test("a change of the format is a change of this table", arguments: golden)
    func bytes(sample: Golden) throws {
        let hex = sample.event.payload.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(hex == sample.hex, "\(sample.event.kind)")
    }

    @Test("every kind is in the table")
    func complete() {
        #expect(Set(golden.map(\.event.kind)) == Set(EventKind.allCases))
    }
}

struct Golden: Sendable {
    let event: Event
    let hex: String

    init(_ event: Event, _ hex: String) {
        self.event = event
        self.hex = hex
    }
}

private let uuid = UUID128(high: 0x0102_0304_0506_0708, low: 0x1112_1314_1516_1718)
private let other = UUID128(high: 0x21, low: 0x31)
private let function = FunctionName(namespace: "n", id: "f")
private let error = ErrorBody(code: "c", message: "m", stacktrace: "s")
private let settings = QueueSettings(
    fifo: true,
    concurrency: 300,
    attempts: 4,
    backoff: .milliseconds(1),
    groupField: "g"
)

private let golden: [Golden] = [
    Golden(
        .started(Started(version: "1.2", process: 300)),
        "HEX0"
    ),
    Golden(
        .stopped(Stopped(reason: "r")),
        "HEX1"
    ),
    Golden(
        .workerJoined(WorkerJoined(worker: uuid, address: "a")),
        "HEX2"
    ),
    Golden(
        .workerDescribed(
            WorkerDescribed(worker: uuid, name: "w", namespace: "n", runtime: "r", version: "v")
        ),
        "HEX3"
    ),
    Golden(
        .workerLeft(WorkerLeft(worker: uuid, reason: "r")),
        "HEX4"
    ),
    Golden(
        .functionRegistered(
            FunctionRegistered(worker: uuid, function: function, definition: [0x7B, 0x7D])
        ),
        "HEX5"
    ),
    Golden(
        .functionUnregistered(FunctionUnregistered(worker: uuid, function: function)),
        "HEX6"
    ),
    Golden(
        .triggerRegistered(
            TriggerRegistered(
                worker: uuid,
                trigger: "t",
                type: "http",
                function: function,
                config: [0x31],
                metadata: [0x32, 0x33]
            )
        ),
        "HEX7"
    ),
    Golden(
        .triggerUnregistered(TriggerUnregistered(trigger: "t")),
        "HEX8"
    ),
    Golden(
        .triggered(
            Triggered(type: "http", trigger: "t", summary: "s", function: function, event: [0x31])
        ),
        "HEX9"
    ),
    Golden(
        .invoked(
            Invoked(
                invocation: uuid,
                function: function,
                worker: other,
                caller: uuid,
                awaited: true,
                isCondition: false,
                input: [0x31]
            )
        ),
        "HEX10"
    ),
    Golden(
        .completed(
            Completed(
                invocation: uuid,
                result: .failure(error),
                duration: Timestamp.Span(nanoseconds: -2)
            )
        ),
        "HEX11"
    ),
    Golden(
        .queue(.defined(QueueDefined(queue: "q", settings: settings))),
        "HEX12"
    ),
    Golden(
        .queue(
            .subscribed(
                Subscribed(topic: "t", function: function, condition: "c", settings: settings)
            )
        ),
        "HEX13"
    ),
    Golden(
        .queue(.unsubscribed(Unsubscribed(topic: "t", function: function))),
        "HEX14"
    ),
    Golden(
        .queue(
            .enqueued(
                Enqueued(
                    queue: "q",
                    target: function,
                    receipt: uuid,
                    group: "g",
                    baggage: "b",
                    payload: [0x31]
                )
            )
        ),
        "HEX15"
    ),
    Golden(
        .queue(
            .enqueued(
                Enqueued(
                    queue: "t",
                    target: nil,
                    receipt: uuid,
                    group: nil,
                    baggage: nil,
                    payload: [0x31]
                )
            )
        ),
        "HEX16"
    ),
    Golden(
        .queue(
            .delivered(
                Delivered(
                    queue: "q",
                    message: Offset(0x0203),
                    worker: uuid,
                    invocation: other,
                    attempt: 200
                )
            )
        ),
        "HEX17"
    ),
    Golden(
        .queue(
            .acked(
                Acked(
                    queue: "q",
                    message: Offset(5),
                    result: .value([0x31]),
                    duration: Timestamp.Span(nanoseconds: 9)
                )
            )
        ),
        "HEX18"
    ),
    Golden(
        .queue(
            .retried(
                Retried(
                    queue: "q",
                    message: Offset(5),
                    failures: 2,
                    notBefore: Timestamp(nanoseconds: 0x0102_0304),
                    error: error
                )
            )
        ),
        "HEX19"
    ),
    Golden(
        .queue(
            .deadLettered(
                DeadLettered(
                    queue: "q",
                    message: Offset(5),
                    failures: 3,
                    error: ErrorBody(code: "c", message: "m")
                )
            )
        ),
        "HEX20"
    ),
    Golden(
        .queue(.redriven(Redriven(queue: "q", message: Offset(5)))),
        "HEX21"
    ),
    Golden(
        .queue(.discarded(Discarded(queue: "q", message: Offset(5)))),
        "HEX22"
    ),
    Golden(
        .state(.set(StateSet(scope: "s", key: "k", value: [0x31], function: "f"))),
        "HEX23"
    ),
    Golden(
        .state(.deleted(StateDeleted(scope: "s", key: "k"))),
        "HEX24"
    ),
    Golden(
        .cron(
            .fired(
                CronFired(
                    trigger: "t",
                    function: function,
                    expression: "*",
                    scheduled: Timestamp(nanoseconds: 1),
                    actual: Timestamp(nanoseconds: 2)
                )
            )
        ),
        "HEX25"
    ),
    Golden(
        .cron(
            .skipped(
                CronSkipped(trigger: "t", scheduled: Timestamp(nanoseconds: 1), reason: "r")
            )
        ),
        "HEX26"
    ),
    Golden(
        .logged(
            Logged(
                severity: 9,
                severityText: "INFO",
                body: "b",
                service: "s",
                span: 300,
                attributes: [0x7B, 0x7D]
            )
        ),
        "HEX27"
    ),
]
