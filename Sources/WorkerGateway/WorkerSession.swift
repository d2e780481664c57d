import AccessControl
import Engine
import JSON
import NIOCore
import NetServer
import Observability
import Primitives
import WorkerProtocol

/// One worker's socket.
final class WorkerSession: WebSocketSession, WorkerFrameReceiver {
    let id: ConnectionID
    private let address: String
    private let access: Access?
    private let listener: Int
    private let gateway: WorkerGateway
    private var socket: WebSocketSocket?
    private var badFrames = 0
    /// Until it has said who it is: an SDK before 0.24.4 whose connection ends in the middle of its
    /// registrations never connects again (protocol 1.4).
    private(set) var isSettling = true
    /// Whether it has unflushed frames in this turn; the gateway's.
    var isTouched = false
    /// Whether it has sent something in this turn; the gateway's.
    var isSender = false

    init(
        id: ConnectionID,
        address: String,
        access: Access?,
        listener: Int,
        gateway: WorkerGateway
    ) {
        self.id = id
        self.address = address
        self.access = access
        self.listener = listener
        self.gateway = gateway
    }

    // MARK: From the worker

    func opened(_ socket: WebSocketSocket) {
        self.socket = socket
        add(.workerJoined(id, address: address, access: access, listener: listener), bytes: 0)
    }

    func text(_ message: UnsafeBufferPointer<UInt8>) {
        do throws(FrameError) {
            try WorkerFrame.decode(message, for: self)
        } catch {
            ignore(error)
        }
    }

    func binary(_ message: UnsafeBufferPointer<UInt8>) {
        let kind = BinaryMessage(message)
        if kind == .frame { text(message) } else { gateway.report(kind, message) }
    }

    func readCompleted() {}

    func writable(_ isWritable: Bool) {}

    func answeredProbe() { add(.answeredProbe(id), bytes: 0) }

    func closed(_ reason: CloseReason) {
        gateway.remove(self)
        add(.workerLeft(id, reason: "\(reason)"), bytes: 0)
        // Now: at the end of the process there may be no later.
        gateway.handOver()
        socket = nil
    }

    func pauseReading() { socket?.pauseReading() }

    func resumeReading() { socket?.resumeReading() }

    private func add(_ command: Command, bytes: Int) {
        gateway.collect(command, bytes: bytes, from: self)
    }

    func take(_ invoke: IncomingInvoke, bytes: Int) throws(FrameError) {
        let call = try Call(invoke)
        if isSettling, call.function == "engine::workers::register" { isSettling = false }
        add(.call(id, call), bytes: bytes)
    }

    func refuse(
        _ invoke: IncomingInvoke,
        because reason: FrameError,
        bytes: Int
    ) throws(FrameError) {
        add(.call(id, try Call(refusing: invoke, because: reason)), bytes: bytes)
    }

    func take(_ result: consuming ResultFrame, bytes: Int) {
        add(.result(id, CallResult(result)), bytes: bytes)
    }

    func take(_ frame: WorkerFrame, bytes: Int) {
        switch frame {
        case .invoke, .result: preconditionFailure("these are handed over as what they are")
        case .ping: add(.pinged(id), bytes: bytes)
        case .pong, .registerService: break
        case .triggerRegistrationResult(let result):
            add(.triggerAnswered(id, TriggerAnswer(result)), bytes: bytes)
        case .reattach(let previous, let token):
            add(.reattach(id, previous: previous, token: token), bytes: bytes)
        case .unknown(let type): ignore("a message of unknown type \"\(type)\"")
        case .observerAck(let ack):
            add(.observed(id, .acknowledged(ObserverAck(ack))), bytes: bytes)
        case .invocationsObserved(let items):
            add(.observed(id, .events(items.map { ReportedEvent($0) })), bytes: bytes)
        case .localInvocationStats(let stats):
            for drop in stats.dropped { add(.observed(id, ObserveReport(drop)), bytes: 0) }
        case .registerFunction, .unregisterFunction, .registerTrigger, .unregisterTrigger,
            .registerTriggerType, .unregisterTriggerType, .observe, .unobserve:
            if let registration = Registration(frame) {
                add(.register(id, registration), bytes: bytes)
            }
        }
    }

    private func ignore(_ error: FrameError) {
        if error != .blank { ignore("a frame that is no message: \(error)") }
    }

    /// Says what was wrong, for the first ones: a worker gone wild must not fill the log.
    private func ignore(_ what: String) {
        badFrames += 1
        guard badFrames <= 10 else { return }
        gateway.notify(
            Notice(severity: .warning, text: "ignored \(what) from the worker at \(address)")
        )
    }

    // MARK: To the worker

    func send(_ message: Effect.Message) {
        switch message {
        case .receipt(let call, let receipt):
            if let frame = ReceiptFrame(call, receipt) { reply(frame) }
        case .answer(let call, let function, let result, let propagation):
            reply(ResultFrame(call, function, result, propagation))
        case .invoke(let dispatch): reply(DispatchFrame(dispatch))
        case .observe(let message): reply(ObserveReply(message))
        default: if let frame = EngineFrame(message) { reply(frame) }
        }
    }

    func flush() { socket?.flush() }

    func probe() { socket?.probe() }

    func close(code: UInt16, reason: String) { socket?.close(code: code, reason: reason) }

    private func reply(_ frame: some OutgoingFrame) {
        let count = frame.byteCount
        socket?.sendText(reserving: count) { buffer in
            _ = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) {
                frame.write(into: $0)
            }
        }
    }
}
