import Testing

@testable import NetServer

/// What a client sends, and what an echoing server has to say to it. Ids as in sections 1 to 7, 9
/// and 10 of Autobahn's suite where it has such a case; `RFC` where it has none.
struct ConformanceCase: CustomTestStringConvertible, Sendable {
    /// What the server has to send, in order.
    enum Answer: Equatable, Sendable {
        case text([UInt8])
        case binary([UInt8])
        case pong([UInt8])
        /// A Close frame with this code, and the end of the connection; nil: without a code.
        case close(UInt16?)
    }

    let id: String
    let what: String
    /// What is sent, in one piece.
    let sent: [UInt8]
    let answers: [Answer]
    /// How many bytes go out at once; 1: whatever the test likes.
    var pieces = 1

    init(_ id: String, _ what: String, _ sent: [UInt8], _ answers: Answer..., pieces: Int = 1) {
        self.id = id
        self.what = what
        self.sent = sent
        self.answers = answers
        self.pieces = pieces
    }

    /// What the server fails the connection for.
    static func failing(
        _ id: String,
        _ what: String,
        _ sent: [UInt8],
        code: UInt16 = 1002
    ) -> ConformanceCase {
        ConformanceCase(id, what, sent, .close(code))
    }

    /// With a list made elsewhere.
    init(_ id: String, _ what: String, _ sent: [UInt8], all answers: [Answer]) {
        self.id = id
        self.what = what
        self.sent = sent
        self.answers = answers
    }

    var testDescription: String { "\(id) \(what)" }

    /// Whether the server ends the connection by itself.
    var isEnded: Bool { if case .close = answers.last { true } else { false } }

    static let all =
        messages + pings + reserved + opcodes + fragments + texts + goodTexts + badTexts + closes
        + closeCodes + large + lengths
}

// MARK: - Bytes

let conformanceText = Array("Hello, wörld".utf8)

/// Printable text of so many bytes.
func ascii(_ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, used in
        for index in 0..<count { buffer[index] = 0x21 + UInt8(index % 90) }
        used = count
    }
}

func closeFrame(_ code: UInt16, _ reason: [UInt8] = []) -> [UInt8] {
    frame(8, [UInt8(code >> 8), UInt8(code & 0xFF)] + reason)
}

/// A message in frames of `size` bytes, all but the last not final.
func fragmented(_ opcode: UInt8, _ payload: [UInt8], size: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    var start = 0
    repeat {
        let end = min(start + size, payload.count)
        let isFinal = end == payload.count
        bytes += frame(start == 0 ? opcode : 0, payload[start..<end], isFinal: isFinal)
        start = end
    } while start < payload.count
    return bytes
}
