import Channels
import HTTP
import JSON
import NIOCore
import NetServer
import Primitives

/// Makes a response of what a function writes into its channel (services 1, A.6 and A.7).
///
///     head --- first binary, or the end ---> asking --- begin ---> body --- end ---> over
///       texts set status and headers            |                    binaries are the body
///       '---------------- answered otherwise, or the client has gone --------------->'
///
/// *Asking*: whether the engine has answered meanwhile, which only the core can tell. What the
/// channel brings waits until then. The core answers, too, where the head can be none.
final class ResponseSink: ChannelSink {
    private enum Phase { case head, asking, body, over }

    private let exchange: HTTPExchange
    private let channel: DataChannel
    private let started: (_ status: Int, _ defect: ErrorBody?) -> Void
    private let finished: (_ succeeded: Bool) -> Void
    private var phase = Phase.head
    private var status = 200
    private var headers: [(name: String, value: String)] = []
    private var headerBytes = 0
    /// Why the function's response cannot be one; nil: it can.
    private var defect: ErrorBody?
    /// Came before the engine let the response begin.
    private var held: [ChannelMessage] = []
    private var ending: ChannelEnding?
    /// Batches that became a part of the body.
    private(set) var written = 0

    init(
        _ exchange: HTTPExchange,
        _ channel: DataChannel,
        started: @escaping (_ status: Int, _ defect: ErrorBody?) -> Void,
        finished: @escaping (_ succeeded: Bool) -> Void
    ) {
        self.exchange = exchange
        self.channel = channel
        self.started = started
        self.finished = finished
    }

    // MARK: From the channel

    func attached() {}

    func refused() {}

    func deliver(_ batch: [ChannelMessage]) {
        switch phase {
        case .head:
            let body = batch.firstIndex { $0.kind == .binary }
            for message in batch[..<(body ?? batch.endIndex)] where defect == nil {
                control(message)
            }
            if defect != nil { return ask() }
            guard let body else { return channel.ready() }
            held = Array(batch[body...])
            ask()
        case .body:
            write(batch)
        case .asking, .over:
            break
        }
    }

    func ended(_ ending: ChannelEnding) {
        self.ending = ending
        switch phase {
        // Its function may still return something.
        case .head where ending == .cut: phase = .over
        case .head: ask()
        case .body: finish(ending)
        case .asking, .over: break
        }
    }

    // MARK: From the engine

    /// The response is the function's; `dress` adds the headers that are not.
    func begin(_ dress: (inout NetServer.HTTPReply) -> Void) {
        guard phase == .asking else { return }
        phase = .body
        var reply = NetServer.HTTPReply(status: status, headers: headers)
        dress(&reply)
        if let ending, held.isEmpty {
            phase = .over
            exchange.respond(reply)
            return finish(ending)
        }
        exchange.onWritable = { [weak self] in self?.channel.ready() }
        exchange.begin(reply)
        write(held)
        held = []
        if let ending { finish(ending) }
    }

    /// Whoever writes is told that nobody reads.
    func abandon() {
        phase = .over
        held = []
        channel.leave()
    }

    // MARK: The response

    private func ask() {
        phase = .asking
        started(status, defect ?? HTTP.HTTPReply.defect(ofStatus: status))
    }

    /// Whether nothing of the response has been sent, and may be yet.
    var isUnbegun: Bool { phase == .head || phase == .asking }

    /// Whether the client has taken what was written.
    var isTaken: Bool { exchange.isWritable }

    private func write(_ batch: [ChannelMessage]) {
        written += 1
        for message in batch where message.kind == .binary { exchange.write(message.bytes) }
        if exchange.isWritable { channel.ready() }
    }

    private func finish(_ ending: ChannelEnding) {
        if phase == .body {
            phase = .over
            switch ending {
            case .whole: exchange.end()
            // The client must not take a part for the whole.
            case .cut: exchange.abort()
            }
        }
        finished(ending == .whole && status < 500)
    }

    /// A control message; what is none is ignored.
    private func control(_ message: ChannelMessage) {
        guard let text = try? JSONText(validating: Array(message.bytes.readableBytesView)) else {
            return
        }
        switch text.member("type")?.stringValue {
        case "set_status": setStatus(text.member("status_code"))
        case "set_headers": setHeaders(text.member("headers"))
        default: break
        }
    }

    private func setStatus(_ value: JSONText?) {
        guard let number = value?.numberValue, case .integer(let status) = number,
            (100...599).contains(status)
        else { return }
        self.status = Int(status)
    }

    private func setHeaders(_ value: JSONText?) {
        guard let value, case .object(let members) = value.value() else { return }
        for member in members.members {
            guard case .string(let text) = member.value, text.isFieldValue else { continue }
            let name = member.name.lowercased()
            for old in headers where old.name.lowercased() == name {
                headerBytes -= Self.size(old)
            }
            headers.removeAll { $0.name.lowercased() == name }
            headers.append((member.name, text))
            headerBytes += Self.size((member.name, text))
            guard headerBytes <= Limits.streamedHeaderBytes else {
                defect = ErrorBody(
                    code: "response_headers_too_large",
                    message: "the function set more than \(Limits.streamedHeaderBytes) bytes of "
                        + "response headers"
                )
                return
            }
        }
    }

    /// In the response, with what stands between and behind.
    private static func size(_ header: (name: String, value: String)) -> Int {
        header.name.utf8.count + header.value.utf8.count + 4
    }
}
