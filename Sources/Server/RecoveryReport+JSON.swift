import CommitLog
import JSON
import Primitives

extension RecoveryReport {
    /// What a start found in the log, for programs.
    var json: JSONText {
        var json = JSONBuilder()
        json.beginObject()
        json.key("records")
        json.integer(recordsReplayed)
        json.key("last_offset")
        if next == .zero { json.null() } else { json.integer(next.rawValue - 1) }
        json.key("snapshot")
        if let snapshot { json.integer(snapshot.rawValue) } else { json.null() }
        json.key("bytes_cut")
        json.integer(Int64(torn?.byteCount ?? 0))
        json.key("offsets_lost")
        json.integer(offsetsLost)
        json.key("clean")
        json.bool(wasClean)
        json.key("backend")
        json.string(backend)
        json.endObject()
        return json.finish()
    }
}
