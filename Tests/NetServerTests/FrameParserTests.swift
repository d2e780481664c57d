import Primitives
import Testing

@testable import NetServer

/// An event with its bytes, copied out of the parser.
enum Seen: Equatable {
    case text(String)
    case binary([UInt8])
    case ping([UInt8])
    case pong([UInt8])
    case close(UInt16?)
    case failed(FrameViolation)
}

/// What the parser makes of `pieces`, fed one after the other.
func parse(_ pieces: [[UInt8]], limit: Int = Limits.messageBytes) -> [Seen] {
    var parser = FrameParser(messageBytesMax: limit)
    var seen: [Seen] = []
    for piece in pieces {
        piece.withUnsafeBytes { bytes in
            var input = bytes
            while let event = parser.next(&input) {
                switch event {
                case .text: seen.append(.text(String(decoding: parser.message, as: UTF8.self)))
                case .binary: seen.append(.binary(Array(parser.message)))
                case .ping: seen.append(.ping(Array(parser.control)))
                case .pong: seen.append(.pong(Array(parser.control)))
                case .close(let code): seen.append(.close(code))
                case .failed(let error): seen.append(.failed(error))
                }
            }
            precondition(input.isEmpty, "The parser leaves nothing behind.")
        }
    }
    return seen
}

@Suite("Frame parser")
struct FrameParserTests {
    @Test("reads the example of RFC 6455, 5.7")
    func example() {
        let bytes: [UInt8] = [
            0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58,
        ]
        #expect(parse([bytes]) == [.text("Hello")])
    }

    @Test(
        "takes a payload in every length form",
        arguments: [0, 1, 7, 8, 9, 125, 126, 127, 128, 65_535, 65_536, 65_537, 1 << 20]
    )
    func lengths(count: Int) {
        let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        #expect(parse([frame(2, payload)]) == [.binary(payload)])
    }

    @Test("reads many frames from one piece and keeps their order")
    func several() {
        let bytes = text("a") + frame(2, [1]) + frame(9, [2]) + frame(10, [3]) + text("")
        #expect(parse([bytes]) == [.text("a"), .binary([1]), .ping([2]), .pong([3]), .text("")])
    }

    @Test("puts fragments together, with control frames between them")
    func fragments() {
        let bytes =
            text("He", isFinal: false) + frame(9, [7]) + frame(0, [], isFinal: false)
            + frame(0, Array("ll".utf8), isFinal: false) + frame(10, []) + frame(0, [0x6F])
        #expect(
            parse([bytes + text("next")]) == [.ping([7]), .pong([]), .text("Hello"), .text("next")]
        )
    }

    @Test("accepts a code point that is cut by fragments at any place", arguments: 1...3)
    func cutCodePoint(place: Int) {
        let bytes = Array("😀".utf8)
        let frames =
            frame(1, bytes[..<place], isFinal: false) + frame(9, []) + frame(0, bytes[place...])
        #expect(parse([frames]) == [.ping([]), .text("😀")])
    }

    @Test("fails what is against the protocol", arguments: Self.violations)
    func violation(_ bytes: [UInt8], _ error: FrameViolation, _ code: UInt16) {
        #expect(parse([bytes]) == [.failed(error)])
        #expect(parse(bytes.map { [$0] }) == [.failed(error)])
        #expect(error.closeCode == code)
        #expect(error.message.utf8.count <= 123)
    }

    static let violations: [([UInt8], FrameViolation, UInt16)] = [
        (frame(1, [], reserved: 1), .reservedBits, 1002),
        (frame(1, [], reserved: 2), .reservedBits, 1002),
        (frame(1, [], reserved: 4), .reservedBits, 1002),
        (frame(3, []), .unknownOpcode(3), 1002),
        (frame(7, []), .unknownOpcode(7), 1002),
        (frame(11, []), .unknownOpcode(11), 1002),
        (frame(15, []), .unknownOpcode(15), 1002),
        (frame(1, [0x61], key: nil), .unmasked, 1002),
        (frame(9, [], isFinal: false), .fragmentedControl, 1002),
        (frame(8, [], isFinal: false), .fragmentedControl, 1002),
        (frame(9, [UInt8](repeating: 0, count: 126)), .longControl, 1002),
        (frame(10, [UInt8](repeating: 0, count: 70_000)), .longControl, 1002),
        (frame(1, [0x61], lengthForm: 2), .lengthNotMinimal, 1002),
        (frame(1, [0x61], lengthForm: 8), .lengthNotMinimal, 1002),
        (frame(2, [UInt8](repeating: 0, count: 65_535), lengthForm: 8), .lengthNotMinimal, 1002),
        (frame(0, [0x61]), .continuationOfNothing, 1002),
        (text("a", isFinal: false) + text("b"), .messageInsideMessage, 1002),
        (frame(8, [3]), .closePayload, 1002),
        (frame(8, [0x03, 0xE8, 0xFF]), .invalidUTF8, 1007),
        (frame(1, [0xC0, 0x80]), .invalidUTF8, 1007),
        (frame(1, [0xED, 0xA0, 0x80]), .invalidUTF8, 1007),
        (frame(1, [0xF4, 0x90, 0x80, 0x80]), .invalidUTF8, 1007),
        (frame(1, [0x61, 0xE2, 0x82]), .invalidUTF8, 1007),
        (frame(1, [0xE2], isFinal: false) + frame(0, [0x28]), .invalidUTF8, 1007),
        (frame(1, [], declaring: 64 << 20 | 1), .tooLarge(limit: 64 << 20), 1009),
        (frame(2, [], declaring: 1 << 63), .tooLarge(limit: 64 << 20), 1009),
        (frame(2, [], declaring: .max), .tooLarge(limit: 64 << 20), 1009),
    ]

    @Test(
        "refuses close codes that must not be sent",
        arguments: [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535]
            as [UInt16]
    )
    func badCloseCode(code: UInt16) {
        let bytes = frame(8, [UInt8(code >> 8), UInt8(code & 0xFF)])
        #expect(parse([bytes]) == [.failed(.closeCode(code))])
    }

    @Test(
        "accepts the others",
        arguments: [1000, 1001, 1002, 1003, 1007, 1011, 1012, 1014, 3000, 4999] as [UInt16]
    )
    func goodCloseCode(code: UInt16) {
        let bytes = frame(8, [UInt8(code >> 8), UInt8(code & 0xFF)] + "bye".utf8)
        #expect(parse([bytes]) == [.close(code)])
    }

    @Test("reads nothing behind a close or a failure")
    func afterTheEnd() {
        #expect(parse([frame(8, []) + text("late")]) == [.close(nil)])
        #expect(parse([frame(3, []), text("late")]) == [.failed(.unknownOpcode(3))])
    }

    @Test("fails bad UTF-8 at the first bad byte, before the rest of the frame has come")
    func failsFast() {
        let bytes = frame(1, [0x61, 0xFF] + [UInt8](repeating: 0x61, count: 1000))
        #expect(parse([Array(bytes[..<10])]) == [.failed(.invalidUTF8)])
    }

    @Test("counts fragments of a message together against the limit")
    func limit() {
        let seven = [UInt8](repeating: 0x61, count: 7)
        let exact = frame(2, seven, isFinal: false) + frame(0, seven)
        #expect(parse([exact], limit: 14) == [.binary(seven + seven)])
        #expect(parse([exact], limit: 13) == [.failed(.tooLarge(limit: 13))])
        let many = frame(2, seven, isFinal: false) + frame(0, [0x61], isFinal: false)
        #expect(parse([many + frame(0, seven)], limit: 14) == [.failed(.tooLarge(limit: 14))])
        #expect(parse([frame(2, seven) + frame(2, seven)], limit: 7).count == 2)
    }
}

@Suite("UTF-8")
struct UTF8CheckTests {
    private func prefix(_ bytes: [UInt8]) -> Int? {
        bytes.withUnsafeBytes { UTF8Check.validPrefix($0) }
    }

    @Test("agrees with the standard library on every sequence of two bytes and on samples of more")
    func agrees() {
        var disagreements: [[UInt8]] = []
        for first in UInt8.min...UInt8.max {
            for second in UInt8.min...UInt8.max {
                for tail in [[], [0x80], [0x80, 0x80], [0xBF, 0x41], [0x41, 0x41]] as [[UInt8]] {
                    let bytes = [first, second] + tail
                    let isValid = String(validating: bytes, as: UTF8.self) != nil
                    let isWhole = prefix(bytes) == bytes.count
                    if isWhole != isValid { disagreements.append(bytes) }
                }
            }
        }
        #expect(disagreements.isEmpty)
    }

    @Test("finds a bad byte at every distance from the start")
    func distances() {
        for distance in 0..<40 {
            let ascii = [UInt8](repeating: 0x61, count: distance)
            #expect(prefix(ascii + [0xFF] + ascii) == nil)
            #expect(prefix(ascii + Array("é".utf8) + ascii) == 2 * distance + 2)
            #expect(prefix(ascii + [0xF0, 0x9F, 0x98]) == distance)
        }
    }
}
