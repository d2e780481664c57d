import CommitLog
import JSON
import Primitives

extension RecoveryReport {
    /// What an operator should know of a start that went well; nil: nothing.
    var warning: String? {
        guard rebuiltManifest else { return nil }
        return "MANIFEST was missing, or damaged in both of its places, and was made anew from the "
            + "segments. It also says where the log ends: records at its end may be missing that "
            + "nothing else tells of. A disk that lost this may lose more: make a backup, and "
            + "replace it."
    }

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
        json.key("manifest_rebuilt")
        json.bool(rebuiltManifest)
        json.key("backend")
        json.string(backend)
        json.endObject()
        return json.finish()
    }
}
