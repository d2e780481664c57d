import JSON
import Primitives

extension SegmentList {
    /// Writes one JSON object a line.
    package func writeJSON(to output: Output) {
        for segment in segments { output.line(segment.json) }
    }
}

extension SegmentSummary {
    fileprivate var json: String {
        var json = JSONBuilder()
        json.beginObject()
        json.key("segment")
        json.integer(number)
        json.key("first_offset")
        if let first { json.integer(first.rawValue) } else { json.null() }
        json.key("records")
        json.integer(records)
        json.key("bytes")
        json.integer(byteCount)
        json.key("stored_bytes")
        json.integer(storedBytes)
        json.key("plain_bytes")
        json.integer(plainBytes)
        json.key("first_time")
        if let firstTime { json.string(firstTime.rfc3339()) } else { json.null() }
        json.key("last_time")
        if let lastTime { json.string(lastTime.rfc3339()) } else { json.null() }
        json.key("state")
        json.string(state.rawValue)
        json.key("sealed")
        json.bool(state == .sealed)
        json.key("checksums")
        json.string(checksums)
        json.key("offsets_lost")
        json.integer(lost)
        json.key("damages")
        json.integer(damages)
        json.key("torn_tail")
        json.bool(isTorn)
        json.key("pinned_by")
        if let pins { pins.write(into: &json) } else { json.null() }
        json.endObject()
        return json.finish().description
    }
}

extension SegmentPins {
    /// A list of `{"by": HOLDER, "records": N}`, and of `{"by": "snapshot", "offset": N}` or
    /// `{"by": "start"}`; empty where nothing pins the segment.
    fileprivate func write(into json: inout JSONBuilder) {
        json.beginArray()
        for holder in holders {
            json.beginObject()
            json.key("by")
            json.string(holder.name)
            json.key("records")
            json.integer(holder.records)
            json.endObject()
        }
        if let start {
            json.beginObject()
            json.key("by")
            switch start {
            case .snapshot(let offset):
                json.string("snapshot")
                json.key("offset")
                json.integer(offset.rawValue)
            case .every: json.string("start")
            }
            json.endObject()
        }
        json.endArray()
    }
}
