package import Events
package import JSON

/// OTLP/JSON metric exports, in the forms that the SDKs write (protocol 11.2).
package enum OTLPMetrics {
    /// Reads `{"resourceMetrics": […]}`.
    ///
    /// - Returns: every sum, gauge and histogram with a point in it; the rest is passed over.
    package static func decode(_ export: JSONText) -> [MetricReported] {
        var metrics: [MetricReported] = []
        for group in export.value()["resourceMetrics"].elements {
            let told = group["resource"]["attributes"]
            let service = told.attributes["service.name"]?.content ?? "unknown"
            let resource = told.told
            for scope in group["scopeMetrics"].elements {
                for metric in scope["metrics"].elements {
                    guard let metric = self.metric(metric, service, resource, scope["scope"])
                    else { continue }
                    metrics.append(metric)
                }
            }
        }
        return metrics
    }

    private static func metric(
        _ metric: JSONValue,
        _ service: String,
        _ resource: [UInt8],
        _ scope: JSONValue
    ) -> MetricReported? {
        guard let name = metric["name"].name, let (form, data) = form(metric) else { return nil }
        let points = data["dataPoints"].elements.compactMap { point($0, form) }
        guard !points.isEmpty else { return nil }
        return MetricReported(
            name: name,
            description: metric["description"].content ?? "",
            unit: metric["unit"].content ?? "",
            service: service,
            form: form,
            points: points,
            scope: scope.scope,
            temporality: temporality(data["aggregationTemporality"]),
            resource: resource
        )
    }

    /// By its number, or by its name in protobuf.
    private static func temporality(_ value: JSONValue) -> MetricReported.Temporality {
        switch value.content {
        case "AGGREGATION_TEMPORALITY_DELTA": .delta
        case "AGGREGATION_TEMPORALITY_CUMULATIVE": .cumulative
        default:
            MetricReported.Temporality(rawValue: UInt8(clamping: value.integer ?? 0))
                ?? .unspecified
        }
    }

    private static func form(_ metric: JSONValue) -> (MetricReported.Form, JSONValue)? {
        if metric["gauge"] != .null { return (.gauge, metric["gauge"]) }
        if metric["histogram"] != .null { return (.histogram, metric["histogram"]) }
        guard metric["sum"] != .null else { return nil }
        let isMonotonic = metric["sum"]["isMonotonic"] == .bool(true)
        return (isMonotonic ? .counter : .upDownCounter, metric["sum"])
    }

    private static func point(_ point: JSONValue, _ form: MetricReported.Form) -> MetricPoint? {
        let value: MetricPoint.Value
        var integer: Int64?
        if form == .histogram {
            value = .histogram(
                MetricPoint.Histogram(
                    count: point["count"].unsigned ?? 0,
                    sum: point["sum"].double ?? 0,
                    buckets: point["bucketCounts"].elements.map { $0.unsigned ?? 0 },
                    bounds: point["explicitBounds"].elements.compactMap(\.double),
                    min: point["min"].double,
                    max: point["max"].double
                )
            )
        } else {
            let real = point["asDouble"].double
            guard let number = real ?? point["asInt"].double else { return nil }
            value = .number(number)
            if real == nil { integer = point["asInt"].integer }
        }
        return MetricPoint(
            attributes: point["attributes"].texts,
            time: point["timeUnixNano"].time,
            value: value,
            start: point["startTimeUnixNano"].time,
            integer: integer
        )
    }
}
