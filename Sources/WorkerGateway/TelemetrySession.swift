import Engine
import JSON
import NetServer
import Observability
import Primitives
import WorkerProtocol

/// A socket that only brings telemetry; it is no worker.
final class TelemetrySession: WebSocketSession {
    private let gateway: WorkerGateway
    private let address: String
    private var badFrames = 0

    init(gateway: WorkerGateway, address: String) {
        self.gateway = gateway
        self.address = address
    }

    func opened(_ socket: WebSocketSocket) {}
    func text(_ message: UnsafeBufferPointer<UInt8>) {}

    func binary(_ message: UnsafeBufferPointer<UInt8>) {
        let kind = BinaryMessage(message)
        if kind != .frame { return gateway.report(kind, message) }
        badFrames += 1
        guard badFrames <= 10 else { return }
        gateway.notify(
            Notice(
                severity: .warning,
                text: "ignored a message without OTLP, MTRC or LOGS in front, from the telemetry "
                    + "of \(address)"
            )
        )
    }

    func readCompleted() {}
    func writable(_ isWritable: Bool) {}
    func closed(_ reason: CloseReason) {}
}

extension WorkerGateway {
    /// Hands on a telemetry export, as far as there is room for it. What is none is dropped, as the
    /// protocol says.
    func report(_ kind: BinaryMessage, _ message: UnsafeBufferPointer<UInt8>) {
        // Before anything is read: to read it is most of what it costs.
        guard inbox.telemetry.enter(message.count, isSpans: kind == .traces) else { return }
        let body = UnsafeBufferPointer(rebasing: message.dropFirst(BinaryMessage.prefixBytes))
        let start = clock.now().monotonic
        guard telemetryTime.isLeft(at: start) else {
            return postpone(kind, Array(body), bytes: message.count)
        }
        let items = Self.decode(kind, body, hiding: hidePayload, notify)
        telemetryTime.use(clock.now().monotonic &- start)
        guard !items.isEmpty else { return inbox.telemetry.leave(message.count) }
        let batch = TelemetryBatch(
            items: items,
            bytes: message.count,
            dropped: inbox.telemetry.takeDropped()
        )
        collect(.reported(batch), bytes: message.count)
    }

    private func postpone(_ kind: BinaryMessage, _ body: [UInt8], bytes: Int) {
        let hide = hidePayload
        let notify = notify
        let frame = PostponedTelemetry(bytes: bytes) {
            body.withUnsafeBufferPointer { Self.decode(kind, $0, hiding: hide, notify) }
        }
        inbox.telemetry.postpone(frame, isSpans: kind == .traces)
    }

    private static func decode(
        _ kind: BinaryMessage,
        _ body: UnsafeBufferPointer<UInt8>,
        hiding hide: (_ payload: String) -> String,
        _ notify: @Sendable (Notice) -> Void
    ) -> [Telemetry] {
        let export: JSONText
        do throws(JSONError) {
            export = try JSONText(validating: body)
        } catch {
            let text = "ignored a telemetry export that is not JSON: \(error)"
            notify(Notice(severity: .warning, text: text))
            return []
        }
        switch kind {
        case .traces: return OTLPSpans.decode(export, hiding: hide).map { .span($0) }
        case .metrics: return OTLPMetrics.decode(export).map { .metric($0) }
        case .logs: return OTLPLogs.decode(export).map { .log($0) }
        case .frame: return []
        }
    }
}
