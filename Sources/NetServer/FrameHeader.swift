/// The 2 to 14 bytes before a payload (RFC 6455, 5.2), as a client sends them.
struct FrameHeader: Equatable {
    enum Opcode: UInt8 {
        case continuation = 0
        case text = 1
        case binary = 2
        case close = 8
        case ping = 9
        case pong = 10

        var isControl: Bool { rawValue >= 8 }
    }

    /// The most bytes that a masked header takes.
    static let bytesMax = 14

    let isFinal: Bool
    let opcode: Opcode
    /// Of the payload, in bytes.
    let length: Int
    /// The four bytes of the key, the first in the lowest place.
    let maskKey: UInt32

    /// Reads the header at the start of `bytes`; nil when more bytes are needed to tell.
    ///
    /// Judges each part as soon as it is there, so a bad frame fails before its length has come.
    static func decode(
        _ bytes: UnsafeRawBufferPointer
    ) throws(FrameViolation) -> (header: FrameHeader, size: Int)? {
        guard bytes.count >= 2 else { return nil }
        let first = bytes[0]
        let second = bytes[1]
        guard first & 0x70 == 0 else { throw .reservedBits }
        guard let opcode = Opcode(rawValue: first & 0x0F) else {
            throw .unknownOpcode(first & 0x0F)
        }
        guard second & 0x80 != 0 else { throw .unmasked }
        let isFinal = first & 0x80 != 0
        let short = second & 0x7F
        if opcode.isControl {
            guard isFinal else { throw .fragmentedControl }
            guard short <= 125 else { throw .longControl }
        }
        guard let (length, offset) = try decodeLength(short, bytes) else { return nil }
        guard bytes.count >= offset + 4 else { return nil }
        let key = bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
        let header = FrameHeader(
            isFinal: isFinal,
            opcode: opcode,
            length: length,
            maskKey: UInt32(littleEndian: key)
        )
        return (header, offset + 4)
    }

    /// The length of the payload and the place of the mask key.
    private static func decodeLength(
        _ short: UInt8,
        _ bytes: UnsafeRawBufferPointer
    ) throws(FrameViolation) -> (length: Int, offset: Int)? {
        switch short {
        case 126:
            guard bytes.count >= 4 else { return nil }
            let length = UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
            guard length >= 126 else { throw .lengthNotMinimal }
            return (Int(length), 4)
        case 127:
            guard bytes.count >= 10 else { return nil }
            let length = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt64.self))
            guard length > UInt64(UInt16.max) else { throw .lengthNotMinimal }
            // 2^63 and above are no lengths at all, and too large whatever the limit.
            return (Int(clamping: length), 10)
        default:
            return (Int(short), 2)
        }
    }
}

/// Why a connection has to be failed (RFC 6455, 7.1.7).
package enum FrameViolation: Error, Equatable {
    case reservedBits
    case unknownOpcode(UInt8)
    case unmasked
    case fragmentedControl
    case longControl
    case lengthNotMinimal
    case continuationOfNothing
    case messageInsideMessage
    case closePayload
    case closeCode(UInt16)
    case invalidUTF8
    case tooLarge(limit: Int)

    /// What the Close frame says.
    var closeCode: UInt16 {
        switch self {
        case .invalidUTF8: 1007
        case .tooLarge: 1009
        default: 1002
        }
    }

    /// At most 123 bytes, so that it fits a Close frame.
    var message: String {
        switch self {
        case .reservedBits: "a reserved bit is set, but no extension was negotiated"
        case .unknownOpcode(let opcode): "opcode \(opcode) is not defined"
        case .unmasked: "a client's frames must be masked"
        case .fragmentedControl: "a control frame must not be fragmented"
        case .longControl: "a control frame carries at most 125 bytes"
        case .lengthNotMinimal: "a length must be written in its shortest form"
        case .continuationOfNothing: "a continuation frame without a message to continue"
        case .messageInsideMessage: "a new message before the last one's final frame"
        case .closePayload: "a close frame carries nothing, or at least two bytes"
        case .closeCode(let code): "\(code) is not a close code that may be sent"
        case .invalidUTF8: "text must be UTF-8"
        case .tooLarge(let limit): "a message may have at most \(limit) bytes"
        }
    }
}
