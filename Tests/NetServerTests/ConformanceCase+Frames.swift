// MARK: 1, 2: messages and pings

extension ConformanceCase {
    static let sizes = [0, 125, 126, 127, 128, 65_535, 65_536]

    static let messages: [ConformanceCase] =
        sizes.enumerated().flatMap { index, size -> [ConformanceCase] in
            let payload = ascii(size)
            let number = index + 1
            return [
                ConformanceCase(
                    "1.1.\(number)",
                    "text of \(size)",
                    frame(1, payload),
                    .text(payload)
                ),
                ConformanceCase(
                    "1.2.\(number)",
                    "binary of \(size)",
                    frame(2, payload),
                    .binary(payload)
                ),
            ]
        } + [
            ConformanceCase(
                "1.1.8",
                "text of 65536 in reads of 997",
                frame(1, ascii(65_536)),
                .text(ascii(65_536)),
                pieces: 997
            ),
            ConformanceCase(
                "1.2.8",
                "binary of 65536 in reads of 997",
                frame(2, ascii(65_536)),
                .binary(ascii(65_536)),
                pieces: 997
            ),
        ]

    static let pings: [ConformanceCase] = {
        let some: [UInt8] = [0x00, 0xFF, 0xFE, 0xFD, 0xFC, 0xFB, 0x00, 0xFF]
        let ten = (0..<10).map { Array("payload-\($0)".utf8) }
        return [
            ConformanceCase("2.1", "ping without payload", frame(9, []), .pong([])),
            ConformanceCase(
                "2.2",
                "ping with text",
                frame(9, conformanceText),
                .pong(conformanceText)
            ),
            ConformanceCase("2.3", "ping with no text", frame(9, some), .pong(some)),
            ConformanceCase("2.4", "ping of 125", frame(9, ascii(125)), .pong(ascii(125))),
            failing("2.5", "ping of 126", frame(9, ascii(126))),
            ConformanceCase("2.7", "pong without payload", frame(10, [])),
            ConformanceCase("2.8", "pong with payload", frame(10, conformanceText)),
            ConformanceCase(
                "2.9",
                "pong, then ping",
                frame(10, conformanceText) + frame(9, some),
                .pong(some)
            ),
            ConformanceCase(
                "2.10",
                "ten pings",
                ten.flatMap { frame(9, $0) },
                all: ten.map { .pong($0) }
            ),
        ]
    }()
}

// MARK: 3, 4: reserved bits and opcodes

extension ConformanceCase {
    static let reserved: [ConformanceCase] = {
        let good = frame(1, conformanceText)
        let echo = Answer.text(conformanceText)
        return [
            failing("3.1", "RSV3", frame(1, conformanceText, reserved: 1)),
            ConformanceCase(
                "3.2",
                "text, RSV2, ping",
                good + frame(1, conformanceText, reserved: 2) + frame(9, []),
                echo,
                .close(1002)
            ),
            ConformanceCase(
                "3.3",
                "text, RSV2+3, ping",
                good + frame(1, conformanceText, reserved: 3) + frame(9, []),
                echo,
                .close(1002)
            ),
            ConformanceCase(
                "3.4",
                "text, RSV1, ping",
                good + frame(1, conformanceText, reserved: 4) + frame(9, []),
                echo,
                .close(1002)
            ),
            failing("3.5", "RSV1+3", frame(2, conformanceText, reserved: 5)),
            failing("3.6", "RSV1+2, ping", frame(9, conformanceText, reserved: 6)),
            failing("3.7", "all RSV, close", frame(8, [], reserved: 7)),
        ]
    }()

    static let opcodes: [ConformanceCase] =
        [(1, 3 as UInt8), (2, 11)].flatMap { section, first -> [ConformanceCase] in
            (0..<5).map { (index: UInt8) -> ConformanceCase in
                let opcode = first + index
                return ConformanceCase(
                    "4.\(section).\(index + 1)",
                    "text, opcode \(opcode), ping",
                    frame(1, conformanceText) + frame(opcode, index == 0 ? [] : conformanceText)
                        + frame(9, []),
                    .text(conformanceText),
                    .close(1002)
                )
            }
        }
}

// MARK: 5: fragments

extension ConformanceCase {
    static let fragments: [ConformanceCase] = {
        let one = frame(1, Array("fragment1".utf8), isFinal: false)
        let two = frame(0, Array("fragment2".utf8))
        let whole = Answer.text(Array("fragment1fragment2".utf8))
        let ping = frame(9, conformanceText)
        let open = frame(0, conformanceText, isFinal: false)
        let echo = Answer.text(conformanceText)
        return [
            failing("5.1", "ping in two", frame(9, [], isFinal: false)),
            failing("5.2", "pong in two", frame(10, [], isFinal: false)),
            ConformanceCase("5.3", "text in two", one + two, whole),
            ConformanceCase(
                "5.6",
                "a ping between",
                one + ping + two,
                .pong(conformanceText),
                whole
            ),
            failing("5.9", "continues nothing", frame(0, conformanceText)),
            failing(
                "5.10",
                "continues nothing, then text",
                frame(0, conformanceText) + frame(1, conformanceText)
            ),
            failing("5.12", "continues nothing, not final", open),
            ConformanceCase(
                "5.15",
                "continues what is over",
                one + two + open + frame(1, conformanceText),
                whole,
                .close(1002)
            ),
            failing("5.16", "continues nothing, then fragments", open + one + two),
            failing("5.18", "text inside a text", one + frame(1, conformanceText)),
            failing("RFC 5.4", "binary inside a text", one + frame(2, [])),
            ConformanceCase(
                "5.19",
                "five fragments, pings between",
                [
                    frame(1, [0x61], isFinal: false), frame(0, [0x62], isFinal: false), ping,
                    frame(0, [0x63], isFinal: false), frame(0, [0x64], isFinal: false), ping,
                    frame(0, [0x65]),
                ].flatMap { $0 },
                .pong(conformanceText),
                .pong(conformanceText),
                .text(Array("abcde".utf8))
            ),
            ConformanceCase(
                "RFC 5.4",
                "a message behind a fragmented one",
                one + two + frame(1, conformanceText),
                whole,
                echo
            ),
        ]
    }()
}
