// MARK: 6: texts

extension ConformanceCase {
    static let texts: [ConformanceCase] = {
        let empty = frame(0, [], isFinal: false)
        let kosme: [UInt8] = Array("Hello-µ@ßöäüàá-UTF-8!!".utf8)
        let bad: [UInt8] = Array("κόσμε".utf8) + [0xED, 0xA0, 0x80] + Array("edited".utf8)
        let long = frame(1, [0x61, 0xFF], declaring: 100_000)
        return [
            ConformanceCase("6.1.1", "empty", frame(1, []), .text([])),
            ConformanceCase(
                "6.1.2",
                "three empty fragments",
                frame(1, [], isFinal: false) + empty + frame(0, []),
                .text([])
            ),
            ConformanceCase(
                "6.1.3",
                "one fragment of three has something",
                frame(1, [], isFinal: false) + frame(0, conformanceText, isFinal: false)
                    + frame(0, []),
                .text(conformanceText)
            ),
            ConformanceCase("6.2.1", "valid", frame(1, kosme), .text(kosme)),
            ConformanceCase(
                "6.2.3",
                "a fragment for each byte",
                fragmented(1, kosme, size: 1),
                .text(kosme)
            ),
            ConformanceCase("6.3.1", "invalid", frame(1, bad), .close(1007)),
            ConformanceCase(
                "6.3.2",
                "invalid, a fragment for each byte",
                fragmented(1, bad, size: 1),
                .close(1007)
            ),
            // The rest of these messages never comes: they fail where they go wrong.
            ConformanceCase(
                "6.4.1",
                "invalid in a fragment that is not the last",
                frame(1, Array("κόσμε".utf8), isFinal: false)
                    + frame(0, [0xF4, 0x90, 0x80, 0x80], isFinal: false),
                .close(1007)
            ),
            ConformanceCase("6.4.3", "invalid in a frame that goes on", long, .close(1007)),
            ConformanceCase(
                "6.4.4",
                "a second byte that cannot be, the third never comes",
                frame(1, [0x61, 0xED, 0xA0], declaring: 100_000),
                .close(1007)
            ),
        ]
    }()

    /// Boundaries of what is a code point, each as a message and cut into fragments.
    static let goodTexts: [ConformanceCase] = {
        let scalars: [UInt32] = [
            0, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFD, 0xFFFE, 0xFFFF, 0x1_0000,
            0x1_FFFE, 0x1_FFFF, 0xF_FFFF, 0x10_0000, 0x10_FFFE, 0x10_FFFF,
        ]
        return scalars.compactMap(Unicode.Scalar.init).flatMap { scalar -> [ConformanceCase] in
            let bytes = Array(String(scalar).utf8)
            let name = "U+\(String(scalar.value, radix: 16, uppercase: true))"
            return [
                ConformanceCase("6.5-6.9, 6.22", name, frame(1, bytes), .text(bytes)),
                ConformanceCase(
                    "6.5-6.9, 6.22",
                    "\(name), cut",
                    fragmented(1, bytes, size: 1),
                    .text(bytes)
                ),
            ]
        }
    }()

    static let badTexts: [ConformanceCase] = {
        let sequences: [(String, [[UInt8]])] = [
            ("6.8", [[0xF8, 0x88, 0x80, 0x80, 0x80], [0xFC, 0x84, 0x80, 0x80, 0x80, 0x80]]),
            ("6.11", [[0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80]]),
            ("6.12", [[0x80], [0xBF], [0x80, 0xBF], [0x61, 0x80, 0x62]]),
            ("6.13", [[0xC0, 0x20], [0xDF, 0x20], [0xE0, 0x20], [0xEF, 0x20], [0xF0, 0x20]]),
            ("6.14", [[0xC3], [0xE2, 0x82], [0xF0, 0x9F, 0x98], [0xDF], [0xEF, 0xBF]]),
            ("6.15", [[0xC3, 0xE2, 0x82, 0xF0, 0x9F, 0x98]]),
            ("6.16", [[0xFE], [0xFF], [0xFE, 0xFE, 0xFF, 0xFF]]),
            ("6.17", [[0xC0, 0xAF], [0xE0, 0x80, 0xAF], [0xF0, 0x80, 0x80, 0xAF]]),
            ("6.18", [[0xC1, 0xBF], [0xE0, 0x9F, 0xBF], [0xF0, 0x8F, 0xBF, 0xBF]]),
            ("6.19", [[0xC0, 0x80], [0xE0, 0x80, 0x80], [0xF0, 0x80, 0x80, 0x80]]),
            (
                "6.20",
                [
                    [0xED, 0xA0, 0x80], [0xED, 0xAF, 0xBF], [0xED, 0xB0, 0x80], [0xED, 0xBF, 0xBF],
                ]
            ),
            (
                "6.21",
                [[0xED, 0xA0, 0x80, 0xED, 0xB0, 0x80], [0xED, 0xAF, 0xBF, 0xED, 0xBF, 0xBF]]
            ),
        ]
        return sequences.flatMap { id, all in
            all.flatMap { bytes -> [ConformanceCase] in
                let name = bytes.map { String($0, radix: 16) }.joined(separator: " ")
                return [
                    ConformanceCase(id, name, frame(1, bytes), .close(1007)),
                    ConformanceCase(
                        id,
                        "\(name), cut",
                        fragmented(1, bytes, size: 1),
                        .close(1007)
                    ),
                    // Binary messages are nobody's text.
                    ConformanceCase(id, "\(name), binary", frame(2, bytes), .binary(bytes)),
                ]
            }
        }
    }()
}
