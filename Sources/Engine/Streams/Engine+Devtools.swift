import CommitLog
import Disk
import JSON
import Observability
import Primitives
import Stream

// Streams of spans (services 2, C.8): pushed as they come to who has joined, and not recorded. Who
// follows the log has the spans; it is told what is wanted.

extension Engine where Store: ~Copyable {
    /// Somebody has joined a group, or left it.
    mutating func groupChanged(_ group: StreamGroup) {
        guard options.telemetry.pushesSpans, group.stream.hasPrefix(DevtoolsStream.prefix) else {
            return
        }
        let isWanted = streams.groups[group] != nil
        var wanted = streams.watchedSpans
        switch group.stream {
        case DevtoolsStream.rows where group.group == DevtoolsStream.everything:
            wanted.rows = isWanted
        case DevtoolsStream.all where group.group == DevtoolsStream.everything:
            wanted.all = isWanted
        case DevtoolsStream.spans:
            guard let trace = TraceID(group.group) else { return }
            if !isWanted {
                wanted.traces.remove(trace)
            } else if wanted.traces.count < Limits.watchedTraces {
                wanted.traces.insert(trace)
            }
        default: return
        }
        guard wanted != streams.watchedSpans else { return }
        streams.watchedSpans = wanted
        gate.hold(.watchSpans(wanted), after: nil)
    }

    /// Spans have come that somebody watches.
    mutating func push(_ pushes: [SpanPush]) {
        for push in pushes {
            let group = StreamGroup(stream: push.stream, group: push.group)
            guard let loops = streams.groups[group]?.loops else { continue }
            let envelope = StreamEnvelope(
                group: group,
                item: nil,
                time: now.wall,
                offset: nil,
                content: .event(type: "spans", data: push.data.bytes)
            )
            let message = StreamMessage(envelope)
            for loop in loops { hold(.push(loop: loop, message), after: nil) }
        }
    }
}
