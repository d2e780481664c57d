import JSON
package import Primitives

// Statistics for people and programs.

extension RecordStatistics {
    /// A table, and bars below it.
    package func write(to output: Output, palette: Palette) {
        var table = TextTable(
            [
                grouping.rawValue.uppercased(), "RECORDS", "BYTES", "FIRST", "LAST", "FIRST TIME",
                "LAST TIME",
            ],
            numbers: [1, 2, 3, 4]
        )
        func add(_ name: String, _ group: Group) {
            guard group.records > 0 else { return }
            table.add(
                [
                    name, "\(group.records)", "\(group.byteCount)", "\(group.first)",
                    "\(group.last)", RecordFormatter.time(group.firstTime),
                    RecordFormatter.time(group.lastTime),
                ]
            )
        }
        for (name, group) in groups { add(name.visible, group) }
        add("(none)", unnamed)
        add("(others)", others)
        add("(all)", total)
        for line in table.lines(heading: palette.bold) { output.line(line) }
        for part in parts { part.write(to: output, palette: palette) }
    }

    /// One JSON object a line: the groups, then the histograms.
    package func writeJSON(to output: Output) {
        for (name, group) in groups { output.line(json(name, group)) }
        if unnamed.records > 0 { output.line(json(nil, unnamed)) }
        if others.records > 0 { output.line(json(nil, others, isRest: true)) }
        for part in parts { output.line(part.json) }
    }

    private func json(_ name: String?, _ group: Group, isRest: Bool = false) -> String {
        var json = JSONBuilder()
        json.beginObject()
        json.key(grouping.rawValue)
        if let name { json.string(name) } else { json.null() }
        if isRest {
            json.key("others")
            json.bool(true)
        }
        json.key("records")
        json.integer(group.records)
        json.key("bytes")
        json.integer(group.byteCount)
        json.key("first_offset")
        json.integer(group.first.rawValue)
        json.key("last_offset")
        json.integer(group.last.rawValue)
        json.key("first_time")
        json.string(group.firstTime.rfc3339())
        json.key("last_time")
        json.string(group.lastTime.rfc3339())
        json.endObject()
        return json.finish().description
    }

    private var parts: [HistogramText] {
        guard let histograms else { return [] }
        return [
            HistogramText(
                name: "payload_bytes",
                title: "bytes of a payload",
                unit: .bytes,
                histogram: histograms.sizes
            ),
            HistogramText(
                name: "enqueue_to_ack",
                title: "from enqueue to acknowledgement",
                unit: .time,
                histogram: histograms.acks,
                untold: histograms.untoldAcks
            ),
            HistogramText(
                name: "call_to_result",
                title: "from call to result",
                unit: .time,
                histogram: histograms.calls
            ),
        ]
    }
}

/// A histogram, and what its numbers mean.
private struct HistogramText {
    enum Unit: String {
        case bytes
        /// Nanoseconds; printed as milliseconds.
        case time = "ms"
    }

    let name: String
    let title: String
    let unit: Unit
    let histogram: Histogram
    /// What would be in it if more were known.
    var untold = 0

    private static let barWidth = 40

    func write(to output: Output, palette: Palette) {
        output.line("")
        let rest = untold > 0 ? "; of \(untold) the beginning is not known" : ""
        guard histogram.count > 0 else {
            return output.line("\(palette.bold(title)): none\(rest)")
        }
        let span = "\(label(histogram.least)) to \(label(histogram.most))"
        output.line("\(palette.bold(title)): \(histogram.count), \(span)\(rest)")
        let buckets = histogram.buckets
        let fullest = buckets.map(\.count).max() ?? 1
        var table = TextTable(["", "", ""], numbers: [0, 1])
        for bucket in buckets {
            let end = bucket.below.map { "below \(label($0))" } ?? "from \(label(bucket.from))"
            let share = Double(bucket.count) / Double(fullest)
            let length = Int((share * Double(Self.barWidth)).rounded(.up))
            table.add([end, "\(bucket.count)", String(repeating: "#", count: length)])
        }
        for row in table.lines(heading: { $0 }).dropFirst() { output.line("  \(row)") }
    }

    private func label(_ value: Int64) -> String {
        switch unit {
        case .bytes: "\(value)"
        case .time: Text.duration(Timestamp.Span(nanoseconds: value))
        }
    }

    var json: String {
        var json = JSONBuilder()
        json.beginObject()
        json.key("histogram")
        json.string(name)
        json.key("unit")
        json.string(unit.rawValue)
        json.key("count")
        json.integer(histogram.count)
        if untold > 0 {
            json.key("unknown")
            json.integer(untold)
        }
        if histogram.count > 0 {
            json.key("min")
            write(histogram.least, into: &json)
            json.key("max")
            write(histogram.most, into: &json)
        }
        json.key("buckets")
        json.beginArray()
        for bucket in histogram.buckets { write(bucket, into: &json) }
        json.endArray()
        json.endObject()
        return json.finish().description
    }

    private func write(_ bucket: Histogram.Bucket, into json: inout JSONBuilder) {
        json.beginObject()
        json.key("from")
        write(bucket.from, into: &json)
        json.key("below")
        if let below = bucket.below { write(below, into: &json) } else { json.null() }
        json.key("count")
        json.integer(bucket.count)
        json.endObject()
    }

    private func write(_ value: Int64, into json: inout JSONBuilder) {
        switch unit {
        case .bytes: json.integer(value)
        case .time: json.double(Double(value) / 1_000_000)
        }
    }
}
