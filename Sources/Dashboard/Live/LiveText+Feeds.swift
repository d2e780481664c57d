import JSON
import Observability

// The messages that tell what came, and not how things are: the youngest of it, and how much more
// there was.

extension LiveText {
    /// Of one log line, or one value of a stream, in bytes.
    private static let limit = 8 << 10
    /// Elements of one message.
    static let elements = 50

    static func logs(_ news: News<LiveLine>) -> [UInt8] {
        var json = JSONBuilder(capacity: 512 * news.elements.count + 64)
        json.beginObject()
        json.key("type")
        json.string("logs")
        json.key("logs")
        json.beginArray()
        for line in news.elements { line.write(into: &json, limit: limit) }
        json.endArray()
        json.key("skipped")
        json.integer(news.passed)
        json.endObject()
        return json.finish().bytes
    }

    /// What happened to a watched stream; `lost` events, of whatever stream, were gone before they
    /// were looked at.
    static func stream(_ watch: StreamWatch, _ events: [StreamSight], lost: Int) -> [UInt8] {
        let told = events.suffix(elements)
        var json = JSONBuilder(capacity: 256 * told.count + 64)
        json.beginObject()
        json.key("type")
        json.string("stream")
        json.key("stream")
        json.string(watch.stream)
        json.key("group")
        if let group = watch.group { json.string(group) } else { json.null() }
        json.key("events")
        json.beginArray()
        for event in told { event.write(into: &json, limit: limit) }
        json.endArray()
        json.key("skipped")
        json.integer(events.count - told.count + lost)
        json.endObject()
        return json.finish().bytes
    }
}
