/// Bytes of a client in, messages out (RFC 6455): frames, masks, fragments, limits, UTF-8.
///
/// Every byte of payload is touched once: it goes unmasked from the receive buffer to the
/// ``message``, wherever frames and reads happen to be cut. (Unmasking inside the receive buffer
/// would be no cheaper: the buffer is shared with NIO's pool, so the first write would copy it.)
///
/// Invariants:
/// - memory held is bounded by what has arrived, and by the limit;
/// - after `.close` or `.failed` every further byte is ignored.
package struct FrameParser: ~Copyable {
    package enum Event: Equatable {
        /// A whole, valid text is in ``FrameParser/message``.
        case text
        case binary
        /// Its payload is in ``FrameParser/control``.
        case ping
        case pong
        /// The code that the peer gave, if it gave one.
        case close(UInt16?)
        case failed(FrameViolation)
    }

    /// Memory that an open connection keeps for its next message, in bytes.
    private static let keptBytes = 1 << 20

    private let messageBytesMax: Int
    private var messageBuffer = MessageBuffer()
    private var controlBuffer = MessageBuffer()
    /// The start of a header that a read has cut.
    private var cut = CutHeader()
    /// The frame whose payload is being read.
    private var frame: FrameHeader?
    /// Of that payload, in bytes.
    private var remaining = 0
    private var key: UInt32 = 0
    /// What the message in progress is, if there is one: `.text` or `.binary`.
    private var kind: FrameHeader.Opcode?
    /// The bytes of a text in progress that are known to be whole, valid code points.
    private var validated = 0
    /// The message was handed out by the last call.
    private var isDelivered = false
    private(set) var isOver = false

    /// - Parameter messageBytesMax: the largest message, in bytes, inclusive.
    package init(messageBytesMax: Int) { self.messageBytesMax = messageBytesMax }

    /// The message of the last event; valid until the next call of ``next(_:)``.
    package var message: UnsafeBufferPointer<UInt8> { messageBuffer.bytes }
    /// The payload of the last control frame; valid until the next call of ``next(_:)``.
    package var control: UnsafeBufferPointer<UInt8> { controlBuffer.bytes }

    /// Reads on to the next event and takes the bytes read from `input`; nil, with nothing left of
    /// `input`, when more bytes are needed.
    package mutating func next(_ input: inout UnsafeRawBufferPointer) -> Event? {
        if isDelivered {
            messageBuffer.clear(keeping: Self.keptBytes)
            validated = 0
            isDelivered = false
        }
        guard !isOver else {
            input = UnsafeRawBufferPointer(start: nil, count: 0)
            return nil
        }
        do throws(FrameViolation) {
            return try advance(&input)
        } catch {
            isOver = true
            return .failed(error)
        }
    }

    private mutating func advance(
        _ input: inout UnsafeRawBufferPointer
    ) throws(FrameViolation) -> Event? {
        while true {
            if frame == nil {
                guard let header = try nextHeader(&input) else { return nil }
                try begin(header)
            }
            guard let header = frame else { return nil }
            try takePayload(of: header, from: &input)
            guard remaining == 0 else { return nil }
            frame = nil
            if let event = try end(header) { return event }
        }
    }

    private mutating func nextHeader(
        _ input: inout UnsafeRawBufferPointer
    ) throws(FrameViolation) -> FrameHeader? {
        if cut.isEmpty, let (header, size) = try FrameHeader.decode(input) {
            input = UnsafeRawBufferPointer(rebasing: input[size...])
            return header
        }
        while let byte = input.first {
            input = UnsafeRawBufferPointer(rebasing: input.dropFirst())
            cut.append(byte)
            if let header = try cut.decode() {
                cut = CutHeader()
                return header
            }
        }
        return nil
    }

    private mutating func begin(_ header: FrameHeader) throws(FrameViolation) {
        if header.opcode.isControl {
            controlBuffer.clear(keeping: 1024)
        } else {
            switch (header.opcode, kind) {
            case (.continuation, nil): throw .continuationOfNothing
            case (.continuation, .some): break
            case (_, nil): kind = header.opcode
            case (_, .some): throw .messageInsideMessage
            }
            guard header.length <= messageBytesMax - messageBuffer.count else {
                throw .tooLarge(limit: messageBytesMax)
            }
        }
        frame = header
        remaining = header.length
        key = header.maskKey
    }

    private mutating func takePayload(
        of header: FrameHeader,
        from input: inout UnsafeRawBufferPointer
    ) throws(FrameViolation) {
        let count = min(remaining, input.count)
        guard count > 0 else { return }
        let masked = UnsafeRawBufferPointer(rebasing: input[..<count])
        input = UnsafeRawBufferPointer(rebasing: input[count...])
        remaining -= count
        if header.opcode.isControl {
            _ = controlBuffer.append(unmasking: masked, key: key)
        } else {
            let start = messageBuffer.count
            let isASCII = messageBuffer.append(unmasking: masked, key: key)
            if isASCII, validated == start {
                validated = messageBuffer.count
            } else if kind == .text {
                try validate()
            }
        }
        let turn = UInt32((count & 3) * 8)
        key = key >> turn | key << (32 &- turn)
    }

    private mutating func validate() throws(FrameViolation) {
        guard let count = UTF8Check.validPrefix(messageBuffer.bytes(from: validated)) else {
            throw .invalidUTF8
        }
        validated += count
    }

    private mutating func end(_ header: FrameHeader) throws(FrameViolation) -> Event? {
        switch header.opcode {
        case .ping: return .ping
        case .pong: return .pong
        case .close:
            let code = try closeCode()
            isOver = true
            return .close(code)
        case .continuation, .text, .binary:
            guard header.isFinal else { return nil }
            let isText = kind == .text
            guard !isText || validated == messageBuffer.count else { throw .invalidUTF8 }
            kind = nil
            isDelivered = true
            return isText ? .text : .binary
        }
    }

    private func closeCode() throws(FrameViolation) -> UInt16? {
        let payload = UnsafeRawBufferPointer(control)
        guard !payload.isEmpty else { return nil }
        guard payload.count >= 2 else { throw .closePayload }
        let code = UInt16(bigEndian: payload.loadUnaligned(as: UInt16.self))
        guard Self.maySend(closeCode: code) else { throw .closeCode(code) }
        let reason = UnsafeRawBufferPointer(rebasing: payload[2...])
        guard UTF8Check.validPrefix(reason) == reason.count else { throw .invalidUTF8 }
        return code
    }

    /// Whether `code` may stand in a Close frame: defined by RFC 6455 or the registry it set up,
    /// and not one of those that only describe what was not received; or private.
    static func maySend(closeCode code: UInt16) -> Bool {
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }

    /// Gives back the memory of an idle connection.
    mutating func trim() {
        if kind == nil { messageBuffer.clear(keeping: 0) }
        if frame == nil { controlBuffer.clear(keeping: 0) }
        validated = kind == nil ? 0 : validated
        isDelivered = kind == nil ? false : isDelivered
    }
}

/// The bytes of a header that came in more than one read.
private struct CutHeader {
    private var bytes: (UInt64, UInt64) = (0, 0)
    private var count = 0

    var isEmpty: Bool { count == 0 }

    mutating func append(_ byte: UInt8) {
        precondition(count < FrameHeader.bytesMax, "A header is decided after 14 bytes.")
        withUnsafeMutableBytes(of: &bytes) { $0[count] = byte }
        count += 1
    }

    func decode() throws(FrameViolation) -> FrameHeader? {
        try withUnsafeBytes(of: bytes) { all throws(FrameViolation) in
            try FrameHeader.decode(UnsafeRawBufferPointer(rebasing: all[..<count]))?.header
        }
    }
}
