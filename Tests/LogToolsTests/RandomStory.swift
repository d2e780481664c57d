import Events
import LogTools
import Primitives

extension Story {
    /// What many requests at once leave behind: calls, messages that fail, are redriven, discarded
    /// or purged by other requests, workers that come and go, engines that start again, cron slots
    /// that are run again under another trace, and records of no request.
    static func random(seed: UInt64, records: Int) -> Story {
        var dice = SeededEntropy(seed: seed)
        var story = Story()
        story.begin()
        var traces = (0..<4).map { _ in TraceID(from: &dice) }
        var workers = [Self.worker, Self.greeter]
        var messages: [(offset: Offset, trace: TraceID?)] = []
        var running: [(offset: Offset, trace: TraceID?)] = []
        var time: Double = 0
        func pick<Value>(_ values: [Value], _ dice: inout SeededEntropy) -> Value {
            values[Int(dice.next() % UInt64(values.count))]
        }
        while story.entries.count < records {
            time += Double(dice.next() % 5)
            if dice.next() % 6 == 0 { traces.append(TraceID(from: &dice)) }
            let trace: TraceID? = dice.next() % 6 == 0 ? nil : pick(traces.suffix(6), &dice)
            // Now and then what one request did leads to another's.
            let old = story.entries.count - 1 - Int(dice.next() % 40)
            let stray = dice.next() % 6 == 0 && old >= 0 ? Offset(UInt64(old)) : nil
            switch dice.next() % 16 {
            case 0:
                let id = dice.next() % 4 > 0 ? UUID128(from: &dice) : pick(workers, &dice)
                if !workers.contains(id) { workers.append(id) }
                if dice.next() % 4 > 0 { story.describe(id, at: time) }
            case 1 where workers.count > 2:
                let left = workers.remove(at: Int(dice.next() % UInt64(workers.count)))
                let event = WorkerLeft(worker: left, reason: "gone")
                story.add(.workerLeft(event), at: time, trace: nil)
            case 2 where dice.next() % 4 == 0:
                story.add(.started(Started(version: "1", process: 7)), at: time, trace: nil)
            case 3...6:
                let offset = story.run(pick(workers, &dice), at: time, trace, stray, &dice)
                running.append((offset, trace))
            case 7, 8:
                guard !running.isEmpty else { continue }
                let run = running.remove(at: Int(dice.next() % UInt64(running.count)))
                story.complete(run.offset, at: time, .none, took: 1, trace: run.trace)
            case 9...11:
                let cause = stray ?? running.last?.offset
                let owner = stray == nil ? running.last?.trace ?? trace : trace
                messages.append((story.message(at: time, owner, cause, &dice), owner))
            case 12 where !messages.isEmpty, 13 where !messages.isEmpty:
                let message = pick(messages, &dice)
                story.handOut(message, to: pick(workers, &dice), at: time, &dice)
            case 14 where !messages.isEmpty:
                story.mend(pick(messages, &dice), at: time, trace, stray, &dice)
            case 15 where messages.count > 2 && dice.next() % 2 == 0:
                let some = Set((0..<3).map { _ in pick(messages, &dice).offset }).sorted()
                let event = Purged(queue: "q", by: nil, messages: some)
                story.add(.queue(.purged(event)), at: time, trace: trace, cause: stray)
            default:
                story.line(at: time, trace, stray)
            }
        }
        return story
    }

    private mutating func line(at time: Double, _ trace: TraceID?, _ cause: Offset?) {
        let line = Logged(
            severity: 9,
            severityText: "INFO",
            body: "line",
            service: "hello-worker",
            span: 0,
            attributes: Self.json("{}")
        )
        add(.logged(line), at: time, trace: trace, cause: cause)
    }

    private mutating func describe(_ worker: UUID128, at time: Double) {
        let event = WorkerDescribed(
            worker: worker,
            name: "w\(worker.low % 100)",
            namespace: "default",
            runtime: "python",
            version: "1"
        )
        add(.workerDescribed(event), at: time, trace: nil)
    }

    private mutating func run(
        _ worker: UUID128,
        at time: Double,
        _ trace: TraceID?,
        _ cause: Offset?,
        _ dice: inout SeededEntropy
    ) -> Offset {
        let event = Invoked(
            invocation: UUID128(from: &dice),
            function: FunctionName(id: "f"),
            worker: worker,
            caller: Self.nobody,
            awaited: true,
            isCondition: false,
            input: [UInt8](repeating: 0x31, count: Int(dice.next() % 200))
        )
        return add(.invoked(event), at: time, trace: trace, cause: cause)
    }

    private mutating func message(
        at time: Double,
        _ trace: TraceID?,
        _ cause: Offset?,
        _ dice: inout SeededEntropy
    ) -> Offset {
        let event = Enqueued(
            queue: "q",
            target: FunctionName(id: "f"),
            receipt: UUID128(from: &dice),
            group: nil,
            baggage: nil,
            payload: Self.json("{}")
        )
        return add(.queue(.enqueued(event)), at: time, trace: trace, cause: cause)
    }

    /// A delivery, and mostly its end.
    private mutating func handOut(
        _ message: (offset: Offset, trace: TraceID?),
        to worker: UUID128,
        at time: Double,
        _ dice: inout SeededEntropy
    ) {
        let event = Delivered(
            queue: "q",
            message: message.offset,
            worker: worker,
            invocation: UUID128(from: &dice),
            attempt: 1
        )
        let delivery = add(
            .queue(.delivered(event)),
            at: time,
            trace: message.trace,
            cause: message.offset
        )
        guard dice.next() % 3 > 0 else { return }
        let end = Acked(
            queue: "q",
            message: message.offset,
            result: .none,
            duration: .milliseconds(1)
        )
        add(.queue(.acked(end)), at: time, trace: message.trace, cause: delivery)
    }

    /// Another request takes a message up again or gives it up.
    private mutating func mend(
        _ message: (offset: Offset, trace: TraceID?),
        at time: Double,
        _ trace: TraceID?,
        _ cause: Offset?,
        _ dice: inout SeededEntropy
    ) {
        let isRedriven = dice.next() % 2 == 0
        let event: QueueEvent =
            isRedriven
            ? .redriven(Redriven(queue: "q", message: message.offset))
            : .discarded(Discarded(queue: "q", message: message.offset))
        let offset = add(.queue(event), at: time, trace: trace, cause: cause)
        // What that led to has the trace of the message, of the other request, or of neither.
        let owner = [message.trace, trace, TraceID(from: &dice)][Int(dice.next() % 3)]
        complete(offset, at: time, .none, took: 0, trace: owner)
    }
}
