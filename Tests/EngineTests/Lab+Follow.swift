import CommitLog
import Events
import Observability
import Primitives
import RecordFormat

@testable import Engine

extension Lab {
    /// Does what the follower of the log is asked to do by `effects`.
    ///
    /// - Returns: its answers; nil: it was asked nothing.
    func follow(_ effects: [Effect]) throws(LogError) -> [Command]? {
        for case .began(let spans) in effects { followed.began(spans) }
        let queries = effects.compactMap(\.query)
        guard !queries.isEmpty else { return nil }
        var records: [FollowedRecord] = []
        var reader = LogReader(SimulatedStorage(disk))
        _ = try reader.read(from: followed.next) { view throws(DecodeError) in
            records.append(
                FollowedRecord(
                    offset: view.offset,
                    time: view.time,
                    trace: view.trace,
                    cause: view.cause,
                    event: try Event(view),
                    byteCount: view.payload.count
                )
            )
        }
        followed.take(records[...])
        return queries.map { query in
            let (result, alerts) = followed.answer(query.function, query.input, query.context)
            return .telemetryAnswered(query.id, result, alerts: alerts)
        }
    }
}

extension Effect {
    var query: TelemetryQuery? { if case .queryTelemetry(let query) = self { query } else { nil } }
}
