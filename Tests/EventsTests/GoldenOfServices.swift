import Primitives

@testable import Events

private let mark = CronMark(
    function: goldenFunction,
    expression: "*",
    at: Timestamp(nanoseconds: 1)
)

/// What the services record.
let goldenOfServices: [Golden] = [
    Golden(
        .queue(.defined(QueueDefined(queue: "q", settings: goldenSettings))),
        "017101ac020440420f000000000001016700"
    ),
    Golden(
        .queue(
            .defined(QueueDefined(queue: "q", settings: goldenSettings, isConfigured: true))
        ),
        "017101ac020440420f000000000001016701"
    ),
    Golden(
        .queue(
            .subscribed(
                Subscribed(
                    topic: "t",
                    function: goldenFunction,
                    condition: "c",
                    settings: goldenSettings
                )
            )
        ),
        "0174016e016601016301ac020440420f0000000000010167"
    ),
    Golden(
        .queue(
            .unsubscribed(
                Unsubscribed(topic: "t", function: goldenFunction, keepsMessages: false)
            )
        ),
        "0174016e016600"
    ),
    Golden(
        .queue(
            .unsubscribed(Unsubscribed(topic: "t", function: goldenFunction, keepsMessages: true))
        ),
        "0174016e016601"
    ),
    Golden(
        .queue(
            .enqueued(
                Enqueued(
                    queue: "q",
                    target: goldenFunction,
                    receipt: goldenUUID,
                    group: "g",
                    baggage: "b",
                    payload: [0x31]
                )
            )
        ),
        "017101016e016608070605040302011817161514131211010167010162013100"
    ),
    Golden(
        .queue(
            .enqueued(
                Enqueued(
                    queue: "q",
                    target: goldenFunction,
                    receipt: goldenUUID,
                    group: nil,
                    baggage: nil,
                    payload: [0x31],
                    parent: RemoteSpan(span: 2, flags: 0)
                )
            )
        ),
        "017101016e0166080706050403020118171615141312110000" + "0131" + "01"
            + "0200000000000000" + "00"
    ),
    Golden(
        .queue(
            .enqueued(
                Enqueued(
                    queue: "t",
                    target: nil,
                    receipt: goldenUUID,
                    group: nil,
                    baggage: nil,
                    payload: [0x31]
                )
            )
        ),
        "017400080706050403020118171615141312110000013100"
    ),
    Golden(
        .queue(
            .delivered(
                Delivered(
                    queue: "q",
                    message: Offset(0x0203),
                    worker: goldenUUID,
                    invocation: otherUUID,
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
                    error: goldenError
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
        .queue(.purged(Purged(queue: "q", by: "w", messages: [Offset(5), Offset(305)]))),
        "01710101770205ac0200"
    ),
    Golden(
        .queue(.purged(Purged(queue: "q", by: nil, messages: [Offset(5)], areDead: true))),
        "017100010501"
    ),
    Golden(
        .state(.set(StateSet(scope: "s", key: "k", value: [0x31], function: "f"))),
        "0173016b013101660000"
    ),
    Golden(
        .state(
            .set(
                StateSet(
                    scope: "s",
                    key: "k",
                    value: [0x31],
                    function: "f",
                    expires: Timestamp(nanoseconds: 0x0102_0304),
                    previous: Offset(299)
                )
            )
        ),
        "0173016b0131016601" + "0403020100000000" + "ac02"
    ),
    Golden(
        .state(.deleted(StateDeleted(scope: "s", key: "k"))),
        "0173016b0000"
    ),
    Golden(
        .state(
            .deleted(StateDeleted(scope: "s", key: "k", reason: .expired, previous: Offset(5)))
        ),
        "0173016b0106"
    ),
    Golden(
        .cron(
            .fired(
                CronFired(
                    trigger: "t",
                    function: goldenFunction,
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
        "01740100000000000000017200"
    ),
    Golden(
        .cron(
            .skipped(
                CronSkipped(
                    trigger: "t",
                    scheduled: Timestamp(nanoseconds: 1),
                    reason: "r",
                    schedule: CronSkipped.Schedule(function: goldenFunction, expression: "*")
                )
            )
        ),
        "01740100000000000000017201016e0166012a"
    ),
    Golden(.cron(.watched(mark)), "016e0166012a0100000000000000"),
    Golden(.cron(.forgotten(mark)), "016e0166012a0100000000000000"),
    Golden(.cron(.paused(mark)), "016e0166012a0100000000000000"),
    Golden(.cron(.resumed(mark)), "016e0166012a0100000000000000"),
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
                scope: TelemetryScope(name: "n", version: "v"),
                isTraceInferred: true
            )
        ),
        "0904494e464f01620173ac02027b7d01000000000000000200000000000000027b7d01016e01017601"
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
                scope: TelemetryScope(name: "n"),
                role: .producer
            )
        ),
        "10000000000000002000000000000000016e01730100000000000000020000000000000002010164"
            + "01016b0176025b5d025b5d0103000000010174" + "01016e00" + "04" + "0000"
    ),
    Golden(
        .spanReported(
            SpanReported(
                span: 0x10,
                parent: 0,
                name: "n",
                service: "s",
                start: Timestamp(nanoseconds: 1),
                end: Timestamp(nanoseconds: 2),
                status: .ok,
                statusDescription: nil,
                attributes: [
                    TelemetryAttribute("k", "v"), TelemetryAttribute("n", "7", .json),
                    TelemetryAttribute("d", "1", .double),
                ],
                events: [],
                links: [],
                flags: nil,
                traceState: nil,
                scope: TelemetryScope(),
                resource: [0x7B, 0x7D]
            )
        ),
        "10000000000000000000000000000000016e017301000000000000000200000000000000" + "0100"
            + "03016b0176016e01370164" + "0131" + "000000000000" + "00" + "027b7d" + "03000201"
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
                scope: TelemetryScope(version: "v"),
                temporality: .delta
            )
        ),
        "016d0164017501730200010176"
            + "0201016b0176010000000000000000000000000000f03f"
            + "0002000000000000000103000000000000000000000000000040"
            + "020102" + "01000000000000e03f" + "00" + "010000000000000040" + "01"
            + "00" + "000000" + "000000"
    ),
    Golden(
        .metricReported(
            MetricReported(
                name: "m",
                description: "",
                unit: "",
                service: "s",
                form: .counter,
                points: [
                    MetricPoint(
                        attributes: [],
                        time: Timestamp(nanoseconds: 1),
                        value: .number(7),
                        start: Timestamp(nanoseconds: 3),
                        integer: 7
                    )
                ],
                scope: TelemetryScope(),
                temporality: .cumulative,
                resource: [0x7B, 0x7D]
            )
        ),
        "016d00000173000000" + "0100" + "0100000000000000" + "00" + "0000000000001c40" + "02"
            + "027b7d" + "010300000000000000" + "010700000000000000" + "00"
    ),
    Golden(
        .alertChanged(
            AlertChanged(
                alert: "a",
                metric: "m",
                value: 2,
                comparison: ">",
                threshold: 0.5,
                isFiring: true
            )
        ),
        "0161016d" + "0000000000000040" + "013e" + "000000000000e03f" + "01" + "00"
    ),
    Golden(
        .alertChanged(
            AlertChanged(
                alert: "a",
                metric: "m",
                value: nil,
                comparison: ">",
                threshold: 0.5,
                isFiring: false
            )
        ),
        "0161016d" + "0000000000000000" + "013e" + "000000000000e03f" + "00" + "01"
    ),
    Golden(.telemetryCleared(TelemetryCleared(.logs)), "02"),
]
