import Engine
import JSON
import NIOCore
import NetServer
import Observability
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
        let start = NIODeadline.now().uptimeNanoseconds
        guard telemetryTime.isLeft(at: start) else {
            return inbox.telemetry.drop(isSpans: kind == .traces)
        }
        guard inbox.telemetry.enter(message.count, isSpans: kind == .traces) else { return }
        let items = decode(kind, message)
        telemetryTime.use(NIODeadline.now().uptimeNanoseconds &- start)
        guard !items.isEmpty else { return inbox.telemetry.leave(message.count) }
        let batch = TelemetryBatch(
            items: items,
            bytes: message.count,
            dropped: inbox.telemetry.takeDropped()
        )
        collect(.reported(batch), bytes: message.count)
    }

    private func decode(
        _ kind: BinaryMessage,
        _ message: UnsafeBufferPointer<UInt8>
    ) -> [Telemetry] {
        let body = UnsafeBufferPointer(rebasing: message.dropFirst(BinaryMessage.prefixBytes))
        let export: JSONText
        do throws(JSONError) {
            export = try JSONText(validating: body)
        } catch {
            let text = "ignored a telemetry export that is not JSON: \(error)"
            notify(Notice(severity: .warning, text: text))
            return []
        }
        switch kind {
        case .traces: return OTLPSpans.decode(export).map { .span($0) }
        case .metrics: return OTLPMetrics.decode(export).map { .metric($0) }
        case .logs: return OTLPLogs.decode(export).map { .log($0) }
        case .frame: return []
        }
    }
}
