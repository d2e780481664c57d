import HTTPFunctions
import HTTPInvoker
import JSON
import NIOCore
import NIOSSL
import Observability

extension TelemetryExporter.Settings {
    /// What the configuration says, and where that says nothing, the environment as OpenTelemetry
    /// names it (OTLP Exporter Configuration); nil: nothing is sent.
    init?(_ configuration: Configuration.Observability, _ environment: [String: String]) {
        guard configuration.exporter != .memory else { return nil }
        let told = configuration.endpoint ?? environment["OTEL_EXPORTER_OTLP_ENDPOINT"]
        base = String((told ?? "http://localhost:4318").reversed().drop { $0 == "/" }.reversed())
        let form =
            configuration.otlpProtocol
            ?? environment[Configuration.OTLPProtocol.variable].flatMap {
                Configuration.OTLPProtocol(rawValue: $0)
            }
        isJSON = form == .json
        headers = Self.headers(environment["OTEL_EXPORTER_OTLP_HEADERS"])
        var attributes: JSONObject = [
            "service.name": .string(configuration.serviceName),
            "service.version": .string(configuration.serviceVersion ?? Server.version),
        ]
        if let namespace = configuration.serviceNamespace {
            attributes["service.namespace"] = .string(namespace)
        }
        resource = OTLPExport.Resource(
            service: configuration.serviceName,
            attributes: JSONValue.object(attributes).text.bytes
        )
        let period = environment["OTEL_METRIC_EXPORT_INTERVAL"].flatMap { Int64($0) } ?? 60_000
        metricsPeriod = .milliseconds(max(100, period))
        let preference =
            configuration.metricsTemporality?.rawValue
            ?? environment["OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"]
        isDelta = preference?.lowercased() == "delta"
    }

    /// `name=value,name=value`, as in W3C baggage.
    private static func headers(_ text: String?) -> [(name: String, value: String)] {
        CallerBaggage.entries(text).members.compactMap { entry in
            guard case .string(let value) = entry.value else { return nil }
            return (entry.name.lowercased(), value)
        }
    }
}

extension InvokerSettings {
    /// The same, for a server that the operator named: it may be anywhere.
    ///
    /// Certificates in the file `certificate`, where there is one, are trusted in place of those of
    /// functions that are invoked by HTTP.
    func trusting(certificate: String?) -> InvokerSettings {
        var settings = self
        if let certificate {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.minimumTLSVersion = .tlsv12
            tls.applicationProtocols = ["http/1.1"]
            tls.trustRoots = .file(certificate)
            settings.tls = ClientTLS(tls)
        }
        var policy = OutboundPolicy()
        policy.requiresHTTPS = false
        policy.blocksPrivate = false
        policy.ports = PortRange("1-65535").map { [$0] }
        settings.policy = policy
        return settings
    }
}

/// The headers of a request as `registerfunction.invocation` has them.
struct JSONHeaders {
    private var members = JSONObject()

    mutating func add(_ name: String, _ value: String) { members[name] = .string(value) }

    func invocation(url: String, timeout: Int64) -> JSONText {
        JSONValue.object([
            "url": .string(url), "method": .string("POST"), "timeout_ms": .integer(timeout),
            "headers": .object(members),
        ]).text
    }
}
