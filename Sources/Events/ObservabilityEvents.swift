package import RecordFormat

/// An alert began to fire, fired once more since it still does, or is over.
package struct AlertChanged: EventBody {
    package static let kind = EventKind.alertChanged

    /// The name of its rule.
    package let alert: String
    package let metric: String
    /// What the metric was; nil: nobody tells of it any more.
    package let value: Double?
    /// `>`, `>=`, `<`, `<=`, `==` or `!=`.
    package let comparison: String
    package let threshold: Double
    package let isFiring: Bool

    package init(
        alert: String,
        metric: String,
        value: Double?,
        comparison: String,
        threshold: Double,
        isFiring: Bool
    ) {
        self.alert = alert
        self.metric = metric
        self.value = value
        self.comparison = comparison
        self.threshold = threshold
        self.isFiring = isFiring
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(alert)
        writer.text(metric)
        writer.double(value ?? 0)
        writer.text(comparison)
        writer.double(threshold)
        writer.byte(isFiring ? 1 : 0)
        writer.byte(value == nil ? 1 : 0)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        alert = try reader.text()
        metric = try reader.text()
        let value = try reader.double()
        comparison = try reader.text()
        threshold = try reader.double()
        isFiring = try reader.byte() != 0
        // Records of before it was told whether there is a value end here.
        let isUnknown = try reader.isAtEnd ? false : reader.byte() != 0
        self.value = isUnknown ? nil : value
    }
}

/// Somebody wanted what was reported so far to be shown no more. The records of it stay.
package struct TelemetryCleared: EventBody {
    package static let kind = EventKind.telemetryCleared

    package enum Content: UInt8, CaseIterable, Sendable {
        case traces = 1
        case logs = 2
    }

    /// Nil: something that this version knows nothing of.
    package let content: Content?

    package init(_ content: Content?) { self.content = content }

    package func encode(into writer: inout ByteWriter) { writer.byte(content?.rawValue ?? 0) }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        content = Content(rawValue: try reader.byte())
    }
}
