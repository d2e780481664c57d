/// The state of an engine, over the socket of a worker.
final class EngineStore: KeyValueStore {
    let system = KeyValues.system
    private let engine: EngineProcess

    var child: Child { engine.child }

    init(_ settings: Settings) throws(Failure) {
        engine = try EngineProcess(program: settings.engine, in: settings.scratch)
    }

    func note(_ work: KeyValues.Work) -> String { work == .swap ? "by if_revision" : "" }

    func setting(
        _ reactor: Reactor,
        _ key: @escaping () -> UInt64
    ) throws(Failure) -> Turns.Conversation {
        let call = call(
            "state::set",
            """
            {"scope":"bench","key":"@@@@@@@@@@@@","value":"\(KeyValues.value)"}
            """
        )
        return try conversation(reactor, call, key) { (_) throws(Failure) in }
    }

    func getting(
        _ reactor: Reactor,
        _ key: @escaping () -> UInt64
    ) throws(Failure) -> Turns.Conversation {
        let call = call("state::get", "{\"scope\":\"bench\",\"key\":\"@@@@@@@@@@@@\"}")
        return try conversation(reactor, call, key) { (message) throws(Failure) in
            guard message.count > KeyValues.value.utf8.count else {
                throw Failure("there is no value: \(message.text(0..<message.count))")
            }
        }
    }

    func swapping(_ reactor: Reactor, key: UInt64) throws(Failure) -> Turns.Conversation {
        let call = call(
            "state::set",
            """
            {"scope":"bench","key":"\(KeyValues.hexadecimal(key))","value":"\(KeyValues.value)",\
            "if_revision":@@@@@@@@@@@@@@@@@@@@}
            """
        )
        var revision: UInt64 = 0
        var applied = FieldFinder("\"outcome\":\"applied\",\"revision\":")
        let asked = { revision }
        return try conversation(reactor, call, asked) { (message) throws(Failure) in
            guard let place = applied.find(in: message) else {
                throw Failure("not applied: \(message.text(0..<message.count))")
            }
            revision = message[place...].prefix { (0x30...0x39) ~= $0 }
                .reduce(0) { 10 * $0 + UInt64($1 - 0x30) }
        }
    }

    private func call(_ function: String, _ data: String) -> String {
        """
        {"type":"invokefunction","invocation_id":"10000000-0000-4000-8000-############",\
        "function_id":"\(function)","data":\(data)}
        """
    }

    /// `call` is a message with a field for its number and one for `field`, hexadecimal where that
    /// has 12 digits, else decimal. `check` looks at what the call was answered with.
    private func conversation(
        _ reactor: Reactor,
        _ call: String,
        _ field: @escaping () -> UInt64,
        _ check: @escaping (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) -> Turns.Conversation {
        let worker = try WorkerLink(port: engine.worker, name: nil, on: reactor)
        let template = TwoFieldTemplate(call)
        let link = worker.link
        var number: UInt64 = 0
        var result = FieldFinder("\"result\":")
        return Turns.Conversation(
            link: link,
            ask: {
                number += 1
                template.send(number, field(), on: link)
            },
            take: { (bytes) throws(Failure) in
                guard let frame = try ServerFrame(bytes) else { return nil }
                guard frame.opcode == ServerFrame.text else {
                    return Answer(extent: frame.extent, requests: 0)
                }
                guard result.find(in: frame.payload) != nil else {
                    throw Failure("not a result: \(frame.payload.text(0..<frame.payload.count))")
                }
                try check(frame.payload)
                return Answer(extent: frame.extent)
            }
        )
    }
}

/// As ``FrameTemplate``, with a second field, a run of `@`: of 12, hexadecimal digits; of more, a
/// decimal number with spaces in front.
struct TwoFieldTemplate {
    private let first: FrameTemplate
    private let second: FrameTemplate.Sites

    init(_ text: String) {
        first = FrameTemplate(text)
        second = FrameTemplate.Sites("@", in: text)
    }

    func send(_ number: UInt64, _ other: UInt64, on link: Link) {
        withUnsafeTemporaryAllocation(byteCount: second.width, alignment: 1) { field in
            if second.width == Number.digits {
                Number.write(other, to: field)
            } else {
                Number.writeDecimal(other, to: field)
            }
            first.send(number: number, filling: second, with: field, on: link)
        }
    }
}
