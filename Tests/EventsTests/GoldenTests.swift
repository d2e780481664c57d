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

private let golden: [Golden] =
    [
        Golden(
            .started(Started(version: "1.2", process: 300)),
            "03312e32ac02"
        ),
        Golden(
            .stopped(Stopped(reason: "r")),
            "0172"
        ),
        Golden(
            .workerJoined(WorkerJoined(worker: uuid, address: "a")),
            "080706050403020118171615141312110161"
        ),
        Golden(
            .workerDescribed(
                WorkerDescribed(worker: uuid, name: "w", namespace: "n", runtime: "r", version: "v")
            ),
            "080706050403020118171615141312110177016e01720176"
        ),
        Golden(
            .workerLeft(WorkerLeft(worker: uuid, reason: "r")),
            "080706050403020118171615141312110172"
        ),
        Golden(
            .functionRegistered(
                FunctionRegistered(worker: uuid, function: function, definition: [0x7B, 0x7D])
            ),
            "08070605040302011817161514131211016e0166027b7d"
        ),
        Golden(
            .functionUnregistered(FunctionUnregistered(worker: uuid, function: function)),
            "08070605040302011817161514131211016e0166"
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
            "0807060504030201181716151413121101740468747470016e01660131023233"
        ),
        Golden(
            .triggerUnregistered(TriggerUnregistered(trigger: "t")),
            "0174"
        ),
        Golden(
            .triggerTypeRegistered(TriggerTypeRegistered(worker: uuid, namespace: "n", type: "y")),
            "08070605040302011817161514131211016e0179"
        ),
        Golden(
            .triggerTypeUnregistered(
                TriggerTypeUnregistered(worker: uuid, namespace: "n", type: "y")
            ),
            "08070605040302011817161514131211016e0179"
        ),
        Golden(
            .triggerBound(
                TriggerBound(
                    trigger: "t",
                    type: "y",
                    typeNamespace: "p",
                    function: function,
                    config: [0x31],
                    metadata: [0x32, 0x33]
                )
            ),
            "01740179010170016e01660131023233"
        ),
        Golden(
            .triggerUnbound(TriggerUnbound(trigger: "t")),
            "0174"
        ),
        Golden(
            .triggered(
                Triggered(
                    type: "http",
                    trigger: "t",
                    summary: "s",
                    function: function,
                    event: [0x31]
                )
            ),
            "046874747001740173016e01660131"
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
            "08070605040302011817161514131211016e01662100000000000000310000000000000008070605"
                + "04030201181716151413121101000131"
        ),
        Golden(
            .completed(
                Completed(
                    invocation: uuid,
                    result: .failure(error),
                    duration: Timestamp.Span(nanoseconds: -2)
                )
            ),
            "08070605040302011817161514131211020163016d010173feffffffffffffff"
        ),
        Golden(
            .queue(.defined(QueueDefined(queue: "q", settings: settings))),
            "017101ac020440420f0000000000010167"
        ),
        Golden(
            .queue(
                .subscribed(
                    Subscribed(topic: "t", function: function, condition: "c", settings: settings)
                )
            ),
            "0174016e016601016301ac020440420f0000000000010167"
        ),
        Golden(
            .queue(.unsubscribed(Unsubscribed(topic: "t", function: function))),
            "0174016e0166"
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
            "017101016e0166080706050403020118171615141312110101670101620131"
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
            "0174000807060504030201181716151413121100000131"
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
            "01710302000000000000080706050403020118171615141312112100000000000000310000000000"
                + "0000c801"
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
            "017105000000000000000101310900000000000000"
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
            "017105000000000000000204030201000000000163016d010173"
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
            "01710500000000000000030163016d00"
        ),
        Golden(
            .queue(.redriven(Redriven(queue: "q", message: Offset(5)))),
            "01710500000000000000"
        ),
        Golden(
            .queue(.discarded(Discarded(queue: "q", message: Offset(5)))),
            "01710500000000000000"
        ),
        Golden(
            .state(.set(StateSet(scope: "s", key: "k", value: [0x31], function: "f"))),
            "0173016b01310166"
        ),
        Golden(
            .state(.deleted(StateDeleted(scope: "s", key: "k"))),
            "0173016b"
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
            "0174016e0166012a01000000000000000200000000000000"
        ),
        Golden(
            .cron(
                .skipped(
                    CronSkipped(trigger: "t", scheduled: Timestamp(nanoseconds: 1), reason: "r")
                )
            ),
            "017401000000000000000172"
        ),
        Golden(
            .logged(
                Logged(
                    severity: 9,
                    severityText: "INFO",
                    body: "b",
                    service: "s",
                    span: 300,
                    attributes: [0x7B, 0x7D],
                    time: Timestamp(nanoseconds: 1),
                    observed: Timestamp(nanoseconds: 2),
                    resource: [0x7B, 0x7D],
                    scope: TelemetryScope(name: "n", version: "v")
                )
            ),
            "0904494e464f01620173ac02027b7d01000000000000000200000000000000027b7d01016e010176"
        ),
        Golden(
            .spanReported(
                SpanReported(
                    span: 0x10,
                    parent: 0x20,
                    name: "n",
                    service: "s",
                    start: Timestamp(nanoseconds: 1),
                    end: Timestamp(nanoseconds: 2),
                    status: .error,
                    statusDescription: "d",
                    attributes: [TelemetryAttribute("k", "v")],
                    events: [0x5B, 0x5D],
                    links: [0x5B, 0x5D],
                    flags: 3,
                    traceState: "t",
                    scope: TelemetryScope(name: "n")
                )
            ),
            "10000000000000002000000000000000016e01730100000000000000020000000000000002010164"
                + "01016b0176025b5d025b5d0103000000010174" + "01016e00"
        ),
        Golden(
            .metricReported(
                MetricReported(
                    name: "m",
                    description: "d",
                    unit: "u",
                    service: "s",
                    form: .histogram,
                    points: [
                        MetricPoint(
                            attributes: [TelemetryAttribute("k", "v")],
                            time: Timestamp(nanoseconds: 1),
                            value: .number(1)
                        ),
                        MetricPoint(
                            attributes: [],
                            time: Timestamp(nanoseconds: 2),
                            value: .histogram(
                                MetricPoint.Histogram(
                                    count: 3,
                                    sum: 2,
                                    buckets: [1, 2],
                                    bounds: [0.5],
                                    min: nil,
                                    max: 2
                                )
                            )
                        ),
                    ],
                    scope: TelemetryScope(version: "v")
                )
            ),
            "016d0164017501730200010176"
                + "0201016b0176010000000000000000000000000000f03f"
                + "0002000000000000000103000000000000000000000000000040"
                + "020102" + "01000000000000e03f" + "00" + "010000000000000040"
        ),
    ] + goldenRequests
