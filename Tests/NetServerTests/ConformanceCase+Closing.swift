@testable import NetServer

// MARK: 7: closing

extension ConformanceCase {
    static let closes: [ConformanceCase] = {
        let normal = closeFrame(1000)
        let text = frame(1, conformanceText)
        let begun = frame(1, conformanceText, isFinal: false)
        let much = ascii(256 * 1024)
        return [
            ConformanceCase(
                "7.1.1",
                "text, close",
                text + normal,
                .text(conformanceText),
                .close(1000)
            ),
            ConformanceCase("7.1.2", "two closes", normal + closeFrame(1001), .close(1000)),
            ConformanceCase("7.1.3", "close, ping", normal + frame(9, []), .close(1000)),
            ConformanceCase("7.1.4", "close, text", normal + text, .close(1000)),
            ConformanceCase(
                "7.1.5",
                "close inside a message",
                begun + normal + frame(0, conformanceText),
                .close(1000)
            ),
            ConformanceCase(
                "7.1.6",
                "much, close, ping",
                frame(1, much) + normal + frame(9, []),
                .text(much),
                .close(1000)
            ),
            ConformanceCase("7.3.1", "nothing in it", frame(8, []), .close(nil)),
            failing("7.3.2", "one byte in it", frame(8, [0x03])),
            ConformanceCase("7.3.3", "a code", normal, .close(1000)),
            ConformanceCase("7.3.4", "a reason", closeFrame(1000, conformanceText), .close(1000)),
            ConformanceCase("7.3.5", "a reason of 123", closeFrame(1000, ascii(123)), .close(1000)),
            failing("7.3.6", "a reason of 124", closeFrame(1000, ascii(124))),
            failing(
                "7.5.1",
                "a reason that is no text",
                closeFrame(1000, [0x61, 0xED, 0xA0, 0x80]),
                code: 1007
            ),
            failing("RFC 5.5", "in two", frame(8, [], isFinal: false)),
        ]
    }()

    static let closeCodes: [ConformanceCase] = {
        let good: [UInt16] = [
            1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999,
        ]
        let bad: [UInt16] = [
            0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65_535,
        ]
        return good.map { ConformanceCase("7.7", "code \($0)", closeFrame($0), .close($0)) }
            + bad.map { failing("7.9, 7.13", "code \($0)", closeFrame($0)) }
    }()
}

// MARK: 9, 10: large messages; what Autobahn does not ask

extension ConformanceCase {
    static let large: [ConformanceCase] = {
        let mebibyte = ascii(1 << 20)
        return [
            ConformanceCase("9.1.3", "text of 1 MiB", frame(1, mebibyte), .text(mebibyte)),
            ConformanceCase(
                "9.3.1",
                "in fragments of 64",
                fragmented(1, mebibyte, size: 64),
                .text(mebibyte)
            ),
            ConformanceCase(
                "9.4.4",
                "in fragments of 4096",
                fragmented(2, mebibyte, size: 4096),
                .binary(mebibyte)
            ),
            ConformanceCase(
                "9.5.1",
                "in reads of 64",
                frame(1, ascii(65_536)),
                .text(ascii(65_536)),
                pieces: 64
            ),
            ConformanceCase(
                "10.1.1",
                "in fragments of 1300",
                fragmented(1, ascii(65_536), size: 1300),
                .text(ascii(65_536))
            ),
        ]
    }()

    static let lengths: [ConformanceCase] = {
        let limit = UInt64(WebSocketSettings().messageBytes)
        return [
            failing("RFC 5.1", "unmasked", frame(1, conformanceText, key: nil)),
            failing("RFC 5.1", "unmasked ping", frame(9, [], key: nil)),
            failing("RFC 5.2", "125 in two bytes", frame(1, ascii(125), lengthForm: 2)),
            failing("RFC 5.2", "126 in eight bytes", frame(1, ascii(126), lengthForm: 8)),
            failing("RFC 5.2", "65535 in eight bytes", frame(2, ascii(65_535), lengthForm: 8)),
            failing(
                "RFC 5.2",
                "the highest bit of a length",
                frame(2, [], declaring: 1 << 63),
                code: 1009
            ),
            failing(
                "RFC 10.4",
                "more than the limit",
                frame(2, [], declaring: limit + 1),
                code: 1009
            ),
            failing(
                "RFC 10.4",
                "fragments that are more than the limit",
                frame(2, conformanceText, isFinal: false) + frame(0, [], declaring: limit),
                code: 1009
            ),
        ]
    }()
}
