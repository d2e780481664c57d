import AccessControl
import Engine
import JSON
import NIOCore
import NetServer
import Observability
import Primitives
import WorkerProtocol

/// One worker's socket.
final class WorkerSession: WebSocketSession, WorkerFrameReceiver, BatchSender {
    let id: ConnectionID
    private let address: String
    private let access: Access?
    private let listener: Int
    private let gateway: WorkerGateway
    private var socket: WebSocketSocket?
    /// What it calls itself; nil: nothing yet.
    private var name: String?
    private var badFrames = 0
    /// Until it has said who it is: an SDK before 0.24.4 whose connection ends in the middle of its
    /// registrations never connects again (protocol 1.4).
    private(set) var isSettling = true
    /// Whether it has unflushed frames in this turn; the gateway's.
    var isTouched = false
    var isSender = false
    /// Whether nothing is read from it as the core has enough to do.
    private var isInboxFull = false
    /// Whether nothing is read from it until it has taken what it was sent.
    private var isBehind = false

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

    func writable(_ isWritable: Bool) {
        guard isWritable, isBehind else { return }
        isBehind = false
        if !isInboxFull { socket?.resumeReading() }
    }

    func answeredProbe() { add(.answeredProbe(id), bytes: 0) }

    func closed(_ reason: CloseReason) {
        if reason == .slow || reason == .stalled {
            tell("\(whoItIs) was cut off: \(reason)")
        }
        gateway.remove(self)
        add(.workerLeft(id, reason: "\(reason)"), bytes: 0)
        // Now: at the end of the process there may be no later.
        gateway.handOver()
        socket = nil
    }

    func pauseReading() {
        isInboxFull = true
        socket?.pauseReading()
    }

    func resumeReading() {
        isInboxFull = false
        if !isBehind { socket?.resumeReading() }
    }

    private func add(_ command: Command, bytes: Int) {
        gateway.collect(command, bytes: bytes, from: self)
    }

    func take(_ invoke: IncomingInvoke, bytes: Int) throws(FrameError) {
        let call = try Call(invoke)
        if isSettling, call.function == "engine::workers::register" {
            isSettling = false
            name = JSONText(trusted: call.payload).member("name")?.stringValue
        }
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

    func refuse(observer: String, because reason: FrameError, bytes: Int) {
        let error = ErrorBody(code: "INVALID_ARGS", message: "\(reason)")
        add(.register(id, .observe(id: observer, .failure(error))), bytes: bytes)
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
        tell("ignored \(what) from \(whoItIs)")
    }

    private var whoItIs: String {
        name.map { "worker \($0) at \(address)" } ?? "the worker at \(address)"
    }

    private func tell(_ text: String) {
        gateway.notify(Notice(severity: .warning, text: text))
    }

    // MARK: To the worker

    func send(_ message: Effect.Message) {
        switch message {
        case .receipt(let call, let receipt):
            if let frame = ReceiptFrame(call, receipt) { reply(frame) }
        case .answer(let call, let function, let result, let propagation):
            reply(ResultFrame(call, function, deliverable(result), propagation))
        case .invoke(let dispatch):
            guard dispatch.isOfQueue || !hasEnough else { return refuse(dispatch) }
            reply(DispatchFrame(dispatch))
        case .observe(let message): reply(ObserveReply(message))
        default: if let frame = EngineFrame(message) { reply(frame) }
        }
    }

    func flush() {
        guard let socket else { return }
        socket.flush()
        guard !isBehind, socket.holds(moreThan: Limits.unreadPause) else { return }
        // A channel that holds so much after a flush tells by ``writable(_:)`` when it is empty.
        isBehind = true
        socket.pauseReading()
    }

    func probe() { socket?.probe() }

    func close(code: UInt16, reason: String) { socket?.close(code: code, reason: reason) }

    /// Whether so much waits for it to be read that nothing large is added which somebody could be
    /// told of instead.
    private var hasEnough: Bool { socket?.holds(moreThan: Limits.unreadBytes) ?? false }

    private static let enough = "more than \(Limits.unreadBytes >> 20) MiB of what it was sent"

    /// Answers in its place: it was not asked.
    private func refuse(_ dispatch: Effect.Dispatch) {
        let busy = ErrorBody(
            code: "BUSY",
            message: "\(dispatch.function) was not called: its worker has not read \(Self.enough)"
        )
        let result = CallResult(id: .uuid(dispatch.invocation), result: .failure(busy))
        add(.result(id, result), bytes: 0)
    }

    /// The result of a call that it made; what is small is sent in any case.
    private func deliverable(_ result: FunctionResult) -> FunctionResult {
        let bytes =
            switch result {
            case .value(let value): value.count
            case .failure(let error): error.byteCount
            case .none: 0
            }
        guard bytes > Limits.envelopeBytes, hasEnough else { return result }
        let end =
            result.isFailure
            ? "the call failed, and its error" : "the call was carried out, and its answer"
        return .failure(
            ErrorBody(
                code: "answer_dropped",
                message: "\(end) of \(bytes) bytes is dropped: its caller has not read "
                    + Self.enough
            )
        )
    }

    private func reply(_ frame: some OutgoingFrame) {
        let count = frame.byteCount
        socket?.sendText(reserving: count) { buffer in
            _ = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) {
                frame.write(into: $0)
            }
        }
    }
}
