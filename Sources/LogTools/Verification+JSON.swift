import JSON
import Primitives

extension Verification {
    /// Everything as one JSON object on one line.
    package var json: String {
        var json = JSONBuilder()
        json.beginObject()
        json.key("verdict")
        switch verdict {
        case .sound: json.string("sound")
        case .tornTail: json.string("torn_tail")
        case .damaged: json.string("damaged")
        case .contradictory: json.string("contradictory")
        }
        json.key("depth")
        json.string(depth.rawValue)
        json.key("records")
        json.integer(records)
        json.key("batches")
        json.integer(batches)
        json.key("segments")
        json.integer(segments)
        json.key("first_offset")
        json.integer(offsets.lowerBound.rawValue)
        json.key("next_offset")
        json.integer(offsets.upperBound.rawValue)
        json.key("unread_batches")
        json.integer(unreadBatches)
        json.key("unread_bytes")
        json.integer(unreadBytes)
        json.key("unknown_kinds")
        json.integer(unknownKinds)
        json.key("torn")
        if let torn { json.string(torn) } else { json.null() }
        json.key("records_removed")
        json.integer(removed)
        json.key("gaps")
        json.beginArray()
        for gap in gaps { json.string(gap) }
        json.endArray()
        json.key("damages")
        json.beginArray()
        for damage in damages { json.string(damage) }
        json.endArray()
        json.key("snapshots")
        json.beginArray()
        for snapshot in snapshots { json.string(snapshot) }
        json.endArray()
        json.key("contradiction_count")
        json.integer(contradictionCount)
        json.key("contradictions")
        json.beginArray()
        for contradiction in contradictions { json.string(contradiction) }
        json.endArray()
        json.endObject()
        return json.finish().description
    }
}
