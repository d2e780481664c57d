package import Primitives
package import RecordFormat

/// What a worker counted or measured. Appended, never waited for.
package struct MetricReported: EventBody {
    package static let kind = EventKind.metricReported

    package enum Form: UInt8, Sendable {
        /// A sum that only grows.
        case counter
        case gauge
        case histogram
        /// A sum that may shrink.
        case upDownCounter
    }

    /// Whether a sum or a histogram tells of all since a start, or since the report before.
    package enum Temporality: UInt8, Sendable { case unspecified, delta, cumulative }

    package let name: String
    package let description: String
    package let unit: String
    package let service: String
    package let form: Form
    package let points: [MetricPoint]
    package let scope: TelemetryScope
    package let temporality: Temporality
    /// What it says of where it comes from beside the service: a JSON object, or nothing.
    package let resource: [UInt8]

    package init(
        name: String,
        description: String,
        unit: String,
        service: String,
        form: Form,
        points: [MetricPoint],
        scope: TelemetryScope,
        temporality: Temporality = .unspecified,
        resource: [UInt8] = []
    ) {
        self.temporality = temporality
        self.resource = resource
        self.name = name
        self.description = description
        self.unit = unit
        self.service = service
        self.form = form
        self.points = points
        self.scope = scope
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(name)
        writer.text(description)
        writer.text(unit)
        writer.text(service)
        writer.byte(form.rawValue)
        writer.scope(scope)
        writer.varint(UInt64(points.count))
        for point in points { point.encode(into: &writer) }
        writer.byte(temporality.rawValue)
        writer.bytes(resource)
        for point in points { point.encodeRest(into: &writer) }
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        name = try reader.text()
        description = try reader.text()
        unit = try reader.text()
        service = try reader.text()
        form = Form(rawValue: try reader.byte()) ?? .gauge
        scope = try reader.scope()
        var points: [MetricPoint] = []
        for _ in 0..<(try reader.varint()) { points.append(try MetricPoint(from: &reader)) }
        // The first versions ended here.
        temporality =
            reader.isAtEnd ? .unspecified : Temporality(rawValue: try reader.byte()) ?? .unspecified
        // And those of before they told of a resource here.
        if reader.isAtEnd {
            resource = []
        } else {
            resource = try reader.bytes()
            for place in points.indices { try points[place].decodeRest(from: &reader) }
        }
        self.points = points
    }
}

/// One value of a metric, for one set of attributes.
package struct MetricPoint: Equatable, Sendable {
    package enum Value: Equatable, Sendable {
        case number(Double)
        case histogram(Histogram)
    }

    /// How many values fell between which bounds.
    package struct Histogram: Equatable, Sendable {
        package let count: UInt64
        package let sum: Double
        /// One more than `bounds`, as a rule: what came from outside is kept as it is.
        package let buckets: [UInt64]
        package let bounds: [Double]
        package let min: Double?
        package let max: Double?

        package init(
            count: UInt64,
            sum: Double,
            buckets: [UInt64],
            bounds: [Double],
            min: Double?,
            max: Double?
        ) {
            self.count = count
            self.sum = sum
            self.buckets = buckets
            self.bounds = bounds
            self.min = min
            self.max = max
        }
    }

    package private(set) var attributes: [TelemetryAttribute]
    /// By the worker's clock; 0: not told.
    package let time: Timestamp
    package let value: Value
    /// From when on a sum or a histogram counts, by the worker's clock; 0: not told.
    package private(set) var start: Timestamp
    /// The number, where it was sent as an integer: a double has not all of them.
    package private(set) var integer: Int64?

    package init(
        attributes: [TelemetryAttribute],
        time: Timestamp,
        value: Value,
        start: Timestamp = Timestamp(nanoseconds: 0),
        integer: Int64? = nil
    ) {
        self.attributes = attributes
        self.time = time
        self.value = value
        self.start = start
        self.integer = integer
    }

    func encode(into writer: inout ByteWriter) {
        writer.attributes(attributes)
        writer.i64(time.nanoseconds)
        switch value {
        case .number(let number):
            writer.byte(0)
            writer.double(number)
        case .histogram(let histogram):
            writer.byte(1)
            histogram.encode(into: &writer)
        }
    }

    init(from reader: inout ByteReader) throws(DecodeError) {
        attributes = try reader.attributes()
        time = try reader.timestamp()
        value =
            try reader.byte() == 0
            ? .number(try reader.double()) : .histogram(try Histogram(from: &reader))
        start = Timestamp(nanoseconds: 0)
        integer = nil
    }

    /// What stands behind all points, since it came later.
    func encodeRest(into writer: inout ByteWriter) {
        writer.byte(start.nanoseconds == 0 ? 0 : 1)
        if start.nanoseconds != 0 { writer.i64(start.nanoseconds) }
        writer.byte(integer == nil ? 0 : 1)
        if let integer { writer.i64(integer) }
        writer.forms(of: attributes)
    }

    mutating func decodeRest(from reader: inout ByteReader) throws(DecodeError) {
        if try reader.byte() != 0 { start = try reader.timestamp() }
        if try reader.byte() != 0 { integer = try reader.i64() }
        attributes = try reader.forms(of: attributes)
    }
}

extension MetricPoint.Histogram {
    fileprivate func encode(into writer: inout ByteWriter) {
        writer.u64(count)
        writer.double(sum)
        writer.varint(UInt64(buckets.count))
        for bucket in buckets { writer.varint(bucket) }
        writer.varint(UInt64(bounds.count))
        for bound in bounds { writer.double(bound) }
        for extreme in [min, max] {
            writer.byte(extreme == nil ? 0 : 1)
            if let extreme { writer.double(extreme) }
        }
    }

    fileprivate init(from reader: inout ByteReader) throws(DecodeError) {
        count = try reader.u64()
        sum = try reader.double()
        var buckets: [UInt64] = []
        for _ in 0..<(try reader.varint()) { buckets.append(try reader.varint()) }
        self.buckets = buckets
        var bounds: [Double] = []
        for _ in 0..<(try reader.varint()) { bounds.append(try reader.double()) }
        self.bounds = bounds
        min = try reader.byte() == 0 ? nil : try reader.double()
        max = try reader.byte() == 0 ? nil : try reader.double()
    }
}

extension ByteWriter {
    /// The 64 bits of IEEE 754.
    mutating func double(_ value: Double) { u64(value.bitPattern) }
}

extension ByteReader {
    mutating func double() throws(DecodeError) -> Double {
        let value = Double(bitPattern: try u64())
        // Two that are no numbers would not be equal, and nobody writes them.
        return value.isNaN ? 0 : value
    }
}
