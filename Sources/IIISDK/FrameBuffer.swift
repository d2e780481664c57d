import NIOCore
import Primitives
import WorkerProtocol

/// WebSocket frames of a client (RFC 6455, section 5), collected until they are written together.
struct FrameBuffer {
    private(set) var bytes: ByteBuffer
    /// Masks keep proxies from seeing chosen bytes on the wire; they need not be secret.
    private var masks: SeededEntropy

    /// A longer message goes out in pieces of this size, so that a ping gets between them.
    static let pieceBytes = 1 << 20

    enum Opcode: UInt8 {
        case continuation = 0x0
        case text = 0x1
        case close = 0x8
        case ping = 0x9
        case pong = 0xA
    }

    init(allocator: ByteBufferAllocator, seed: UInt64) {
        bytes = allocator.buffer(capacity: 4096)
        masks = SeededEntropy(seed: seed)
    }

    /// Drops what was written.
    mutating func clear() { bytes.clear() }

    /// Adds a message of `count` bytes, which the caller has measured.
    mutating func append(_ message: WorkerFrame, count: Int) {
        guard count <= Self.pieceBytes else { return appendInPieces(message.bytes) }
        appendFrame(.text, isFinal: true, count: count) { message.write(into: $0) }
    }

    mutating func append(_ opcode: Opcode, _ payload: [UInt8]) {
        append(opcode, isFinal: true, payload[...])
    }

    private mutating func appendInPieces(_ message: [UInt8]) {
        var rest = message[...]
        var opcode = Opcode.text
        while !rest.isEmpty {
            let piece = rest.prefix(Self.pieceBytes)
            rest = rest.dropFirst(piece.count)
            append(opcode, isFinal: rest.isEmpty, piece)
            opcode = .continuation
        }
    }

    private mutating func append(_ opcode: Opcode, isFinal: Bool, _ payload: ArraySlice<UInt8>) {
        appendFrame(opcode, isFinal: isFinal, count: payload.count) { buffer in
            payload.withUnsafeBytes { buffer.copyMemory(from: $0) }
            return payload.count
        }
    }

    private mutating func appendFrame(
        _ opcode: Opcode,
        isFinal: Bool,
        count: Int,
        _ fill: (UnsafeMutableRawBufferPointer) -> Int
    ) {
        bytes.writeInteger(opcode.rawValue | (isFinal ? 0x80 : 0))
        let masked: UInt8 = 0x80
        switch count {
        case ...125: bytes.writeInteger(masked | UInt8(count))
        case ...0xFFFF: bytes.writeMultipleIntegers(masked | 126, UInt16(count))
        default: bytes.writeMultipleIntegers(masked | 127, UInt64(count))
        }
        let mask = UInt32(truncatingIfNeeded: masks.next())
        bytes.writeInteger(mask)
        bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { room in
            let payload = UnsafeMutableRawBufferPointer(rebasing: room[..<count])
            precondition(fill(payload) == count)
            Self.apply(mask, to: payload)
            return count
        }
    }

    private static func apply(_ mask: UInt32, to payload: UnsafeMutableRawBufferPointer) {
        let word = (UInt64(mask) << 32 | UInt64(mask)).bigEndian
        var next = 0
        while next + 8 <= payload.count {
            let masked = payload.loadUnaligned(fromByteOffset: next, as: UInt64.self) ^ word
            payload.storeBytes(of: masked, toByteOffset: next, as: UInt64.self)
            next += 8
        }
        withUnsafeBytes(of: word) { key in
            while next < payload.count {
                payload[next] ^= key[next & 7]
                next += 1
            }
        }
    }
}
