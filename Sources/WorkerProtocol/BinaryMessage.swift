/// What a binary WebSocket message is, by its first four bytes (protocol 11.1).
package enum BinaryMessage: Equatable, Sendable {
    /// `OTLP`, then OTLP/JSON with `resourceSpans`.
    case traces
    /// `MTRC`, then OTLP/JSON with `resourceMetrics`.
    case metrics
    /// `LOGS`, then OTLP/JSON with `resourceLogs`.
    case logs
    /// Anything else: to be read like a text message.
    case frame

    /// The length of the prefix of a telemetry message, in bytes; its JSON follows at once.
    package static let prefixBytes = 4

    package init(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard bytes.count >= Self.prefixBytes else {
            self = .frame
            return
        }
        let prefix = (bytes[0], bytes[1], bytes[2], bytes[3])
        self =
            if prefix == Self.tracesPrefix {
                .traces
            } else if prefix == Self.metricsPrefix {
                .metrics
            } else if prefix == Self.logsPrefix {
                .logs
            } else {
                .frame
            }
    }

    private typealias Prefix = (UInt8, UInt8, UInt8, UInt8)
    private static var tracesPrefix: Prefix { (0x4F, 0x54, 0x4C, 0x50) }
    private static var metricsPrefix: Prefix { (0x4D, 0x54, 0x52, 0x43) }
    private static var logsPrefix: Prefix { (0x4C, 0x4F, 0x47, 0x53) }
}
