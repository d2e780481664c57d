import Primitives

@testable import Events

let goldenUUID = UUID128(high: 0x0102_0304_0506_0708, low: 0x1112_1314_1516_1718)
let otherUUID = UUID128(high: 0x21, low: 0x31)
let goldenFunction = FunctionName(namespace: "n", id: "f")
let goldenError = ErrorBody(code: "c", message: "m", stacktrace: "s")
let goldenSettings = QueueSettings(
    fifo: true,
    concurrency: 300,
    attempts: 4,
    backoff: .milliseconds(1),
    groupField: "g"
)

/// The engine, workers, and what they register and run.
let goldenOfWorkers: [Golden] = [
    Golden(.started(Started(version: "1.2", process: 300)), "03312e32ac02"),
    Golden(.stopped(Stopped(reason: "r")), "0172"),
    Golden(.stopping(Stopping()), ""),
    Golden(
        .workerJoined(WorkerJoined(worker: goldenUUID, address: "a")),
        "080706050403020118171615141312110161"
    ),
    Golden(
        .workerDescribed(
            WorkerDescribed(
                worker: goldenUUID,
                name: "w",
                namespace: "n",
                runtime: "r",
                version: "v"
            )
        ),
        "080706050403020118171615141312110177016e01720176"
    ),
    Golden(
        .workerLeft(WorkerLeft(worker: goldenUUID, reason: "r")),
        "080706050403020118171615141312110172"
    ),
    Golden(
        .functionRegistered(
            FunctionRegistered(
                worker: goldenUUID,
                function: goldenFunction,
                definition: [0x7B, 0x7D]
            )
        ),
        "08070605040302011817161514131211016e0166027b7d"
    ),
    Golden(
        .functionUnregistered(FunctionUnregistered(worker: goldenUUID, function: goldenFunction)),
        "08070605040302011817161514131211016e0166"
    ),
    Golden(
        .triggerRegistered(
            TriggerRegistered(
                worker: goldenUUID,
                trigger: "t",
                type: "http",
                function: goldenFunction,
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
        .triggerTypeRegistered(TriggerTypeProvision(worker: goldenUUID, namespace: "n", type: "y")),
        "08070605040302011817161514131211016e0179"
    ),
    Golden(
        .triggerTypeUnregistered(
            TriggerTypeProvision(worker: goldenUUID, namespace: "n", type: "y")
        ),
        "08070605040302011817161514131211016e0179"
    ),
    Golden(
        .triggerBound(
            TriggerBound(
                trigger: "t",
                type: "y",
                typeNamespace: "p",
                function: goldenFunction,
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
                function: goldenFunction,
                event: [0x31]
            )
        ),
        "046874747001740173016e01660131000000"
    ),
    Golden(
        .triggered(
            Triggered(
                type: "state",
                trigger: "t",
                summary: "s",
                function: goldenFunction,
                event: [0x31],
                condition: goldenFunction,
                metadata: [0x32]
            )
        ),
        "05737461746501740173016e0166013101016e0166013200"
    ),
    Golden(
        .triggered(
            Triggered(
                type: "http",
                trigger: "t",
                summary: "s",
                function: goldenFunction,
                event: [0x31],
                parent: RemoteSpan(span: 2, flags: 1)
            )
        ),
        "046874747001740173016e016601310000" + "01" + "0200000000000000" + "01"
    ),
    Golden(
        .invoked(
            Invoked(
                invocation: goldenUUID,
                function: goldenFunction,
                worker: otherUUID,
                caller: goldenUUID,
                awaited: true,
                isCondition: false,
                input: [0x31],
                parent: 300
            )
        ),
        "08070605040302011817161514131211016e01662100000000000000310000000000000008070605"
            + "04030201181716151413121101000131ac0200"
    ),
    Golden(
        .invoked(
            Invoked(
                invocation: goldenUUID,
                function: goldenFunction,
                worker: otherUUID,
                caller: goldenUUID,
                awaited: true,
                isCondition: false,
                input: [0x31],
                parent: 300,
                flags: 3
            )
        ),
        "08070605040302011817161514131211016e01662100000000000000310000000000000008070605"
            + "04030201181716151413121101000131ac02" + "0103"
    ),
    Golden(
        .completed(
            Completed(
                invocation: goldenUUID,
                result: .failure(goldenError),
                duration: Timestamp.Span(nanoseconds: -2)
            )
        ),
        "08070605040302011817161514131211020163016d010173feffffffffffffff"
    ),
]
