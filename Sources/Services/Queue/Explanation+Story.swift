import Events
import JSON
import Primitives

extension Explanation {
    /// Results with more bytes are left to those who read the log.
    private static let resultBytes = 64 << 10
    /// What happened before that is left out, and is in the log.
    private static let lines = 200
    /// Longer errors of attempts are told by how they begin.
    private static let errorBytes = 1 << 10

    func write(into json: inout JSONBuilder) {
        let verdict = verdict
        json.beginObject()
        json.add("id", message.event.receipt.description)
        json.key("offset")
        json.integer(message.offset.rawValue)
        json.add("queue", queue)
        json.add("topic", message.event.target == nil ? message.event.queue : nil)
        json.add("function_id", function?.id)
        json.add("namespace", function?.namespace)
        json.add("group", live?.group ?? message.event.group)
        json.add("trace_id", message.trace?.description)
        json.add("enqueued_at", message.time.rfc3339())
        json.add("state", verdict.state)
        json.add("reason", verdict.reason)
        json.add("why", verdict.why)
        json.add("way_out", verdict.wayOut)
        json.add("attempt", verdict.attempt.map { Int64($0) })
        json.add("attempts", limit.map { Int64($0) })
        json.add("next_at", verdict.nextAt?.rfc3339())
        json.add("ahead", verdict.ahead.map { Int64($0) })
        json.add("worker", verdict.worker)
        json.add("since", verdict.since?.rfc3339())
        write(error, into: &json)
        write(verdict.end, into: &json)
        json.key("story")
        json.beginArray()
        for line in story.suffix(Self.lines) {
            json.beginObject()
            json.add("at", line.time.rfc3339())
            json.add("text", line.text)
            json.endObject()
        }
        json.endArray()
        json.endObject()
    }

    private func write(_ error: ErrorBody?, into json: inout JSONBuilder) {
        json.key("error")
        guard let error else { return json.null() }
        json.beginObject()
        json.add("code", error.code)
        json.add("message", error.message)
        json.add("stacktrace", error.stacktrace)
        json.endObject()
    }

    private func write(_ end: LoggedMessage.Step?, into json: inout JSONBuilder) {
        json.add("end_offset", end.map { Int64(clamping: $0.offset.rawValue) })
        json.add("ended_at", end?.time.rfc3339())
        json.add("ended_by", end?.by)
        json.key("result")
        guard case .acked(let event)? = end?.event, case .value(let bytes) = event.result,
            bytes.count <= Self.resultBytes
        else { return json.null() }
        // What is on disk is input.
        let text = try? JSONText(validating: bytes)
        json.raw(text ?? JSONText(string: String(decoding: bytes, as: UTF8.self)))
    }

    // MARK: What happened

    private struct Line {
        let time: Timestamp
        let text: String
    }

    private var story: [Line] {
        let origin =
            message.event.target.map { "\($0) was enqueued in queue \(message.event.queue)" }
            ?? "published to topic \(message.event.queue)"
        var story = [Line(time: message.time, text: origin)]
        for step in steps {
            if let text = text(of: step) { story.append(Line(time: step.time, text: text)) }
        }
        return story
    }

    /// Nil: another step tells it.
    private func text(of step: LoggedMessage.Step) -> String? {
        let by = step.by.map { " by \($0)" } ?? ""
        switch step.event {
        case .delivered(let event):
            return "attempt \(event.attempt) on \(name(event.worker)) \(outcome(of: step))"
        case .retried(let event): return "the next attempt waits until \(event.notBefore.told)"
        case .deadLettered(let event):
            guard event.error.code != "record_unreadable" else {
                return "it could not be read any more: a dead letter"
            }
            let limit = limit ?? event.failures
            return "the limit of \(limit) attempts was reached: a dead letter"
        case .redriven: return "redriven\(by), to be tried from attempt 1 on"
        case .discarded: return "discarded\(by)"
        case .purged(let event):
            return event.areDead
                ? "discarded\(by) with all dead letters of the queue"
                : "dropped\(by) with all that waited in the queue"
        case .acked, .enqueued, .defined, .subscribed, .unsubscribed: return nil
        }
    }

    private func outcome(of delivery: LoggedMessage.Step) -> String {
        let end = steps.first { $0.cause == delivery.offset && $0.event.endsDelivery }
        guard let end else {
            let isLast = !steps.contains { $0.offset > delivery.offset }
            if case .inFlight? = live?.state, isLast { return "goes on" }
            return "did not end"
        }
        let took = delivery.time.distance(to: end.time).told
        switch end.event {
        case .retried(let event): return failure(event.error, took)
        case .deadLettered(let event): return failure(event.error, took)
        default: return "succeeded after \(took)"
        }
    }

    private func failure(_ error: ErrorBody, _ took: String) -> String {
        "failed after \(took) with \(error.told(within: Self.errorBytes))"
    }
}

extension Timestamp {
    /// For people: to the millisecond.
    var told: String { Timestamp(milliseconds: milliseconds).rfc3339() }
}

extension Timestamp.Span {
    /// For people: `12 ms`, `3.4 s`, `5 min 20 s`, `2 h 5 min`.
    var told: String {
        let count = max(0, milliseconds)
        switch count {
        case 0..<1000: return "\(count) ms"
        case 1000..<60_000: return "\(count / 1000).\(count % 1000 / 100) s"
        case 60_000..<3_600_000: return "\(count / 60_000) min \(count / 1000 % 60) s"
        default: return "\(count / 3_600_000) h \(count / 60_000 % 60) min"
        }
    }
}
