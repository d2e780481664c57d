import Events
import JSON
package import Primitives
package import RecordFormat

/// How records are written, one after the other.
package enum RecordStyle: Equatable, Sendable {
    /// Offset, time, kind and a few words.
    case short
    /// The same in columns with headings, with trace and cause.
    case table
    case json
    case jsonPretty
    /// The payload's bytes and nothing else.
    case raw
    case hex
    case template(RecordTemplate)
}

/// A line with places for a record's parts: `%o %t %k %T %f`.
package struct RecordTemplate: Equatable, Sendable {
    enum Part: Equatable, Sendable {
        case literal(String)
        case offset, time, date, kind, trace, cause, words, payload, size
    }

    let parts: [Part]

    private static let letters: [Character: Part] = [
        "o": .offset, "t": .time, "d": .date, "k": .kind, "T": .trace, "c": .cause, "f": .words,
        "p": .payload, "n": .size, "%": .literal("%"),
    ]

    private static let escapes: [Character: String] = ["t": "\t", "n": "\n", "\\": "\\"]

    /// - Throws: ``ToolError`` with the letters that there are.
    package init(_ text: String) throws(ToolError) {
        var parts: [Part] = []
        var literal = ""
        var rest = Substring(text)
        while let character = rest.popFirst() {
            guard character == "%" || character == "\\" else {
                literal.append(character)
                continue
            }
            let next = rest.popFirst()
            if character == "\\" {
                literal += Self.escapes[next ?? "\\"] ?? "\\\(next.map(String.init) ?? "")"
                continue
            }
            guard let next, let part = Self.letters[next] else {
                throw ToolError(
                    .malformedFormat,
                    "'%\(next.map(String.init) ?? "")' stands for nothing; there are %o offset, "
                        + "%t time, %d date, %k kind, %T trace, %c cause, %f words, %p payload as "
                        + "JSON, %n payload bytes and %%"
                )
            }
            if !literal.isEmpty { parts.append(.literal(literal)) }
            literal = ""
            parts.append(part)
        }
        if !literal.isEmpty { parts.append(.literal(literal)) }
        self.parts = parts
    }
}

/// Writes single records.
package struct RecordFormatter {
    private let style: RecordStyle
    private let palette: Palette
    private static let payloadLimit = 240

    package init(_ style: RecordStyle, palette: Palette = .plain) {
        self.style = style
        self.palette = palette
    }

    /// The headings, where there are some.
    package var heading: String? {
        guard style == .table else { return nil }
        return palette.bold(
            [
                Text.rightAligned("OFFSET", 10), Text.padded("TIME", 30), Text.padded("KIND", 21),
                Text.padded("TRACE", 32), Text.rightAligned("CAUSE", 10), "WHAT",
            ].joined(separator: "  ")
        )
    }

    /// The bytes of one record, the end of the line included.
    package func bytes(of view: RecordView) -> [UInt8] {
        switch style {
        case .raw: [UInt8](view.payload)
        case .hex: Array("\(short(LogRecord(view)))\n\(Self.hex(view.payload))".utf8)
        case .jsonPretty: Array("\(PrettyJSON.text(LogRecord(view).json))\n".utf8)
        case .short, .table, .json, .template: Array("\(line(LogRecord(view)))\n".utf8)
        }
    }

    /// The record on one line, without the line's end.
    func line(_ record: LogRecord) -> String {
        switch style {
        case .table: table(record)
        case .json, .jsonPretty: record.json
        case .template(let template): fill(template, record)
        case .short, .raw, .hex: short(record)
        }
    }

    // MARK: Lines

    private func short(_ record: LogRecord) -> String {
        let place = Text.rightAligned("\(record.offset)", 8)
        let kind = Text.padded(record.kindName, 20)
        return "\(palette.gray(place))  \(palette.gray(Self.time(record.time)))  \(kind)  "
            + words(record)
    }

    private func table(_ record: LogRecord) -> String {
        [
            Text.rightAligned("\(record.offset)", 10), Text.padded(Self.time(record.time), 30),
            Text.padded(record.kindName, 21),
            Text.padded(record.trace.map(\.description) ?? "-", 32),
            Text.rightAligned(record.cause.map(\.description) ?? "-", 10), words(record),
        ].joined(separator: "  ")
    }

    private func fill(_ template: RecordTemplate, _ record: LogRecord) -> String {
        template.parts.map { part in
            switch part {
            case .literal(let text): text
            case .offset: record.offset.description
            case .time: record.time.rfc3339()
            case .date: String(record.time.rfc3339().prefix(10))
            case .kind: record.kindName
            case .trace: record.trace.map(\.description) ?? "-"
            case .cause: record.cause.map(\.description) ?? "-"
            case .words: words(record)
            case .payload: record.eventJSON
            case .size: "\(record.byteCount)"
            }
        }.joined()
    }

    private func words(_ record: LogRecord) -> String {
        let headline = record.headline(HeadlineContext())
        var text = headline.text.visible
        if let value = headline.value {
            text += " " + Text.payload(value, limit: Self.payloadLimit)
        }
        if !headline.ending.isEmpty { text += " \(headline.ending)" }
        if let detail = headline.detail, !detail.bytes.isEmpty {
            text += "  \(detail.label) \(Text.payload(detail.bytes, limit: Self.payloadLimit))"
        }
        return headline.tone == .bad ? palette.red(text) : text
    }

    /// RFC 3339 with always nine digits of fraction, so that columns stand.
    static func time(_ time: Timestamp) -> String {
        let whole = Timestamp(seconds: time.seconds)
        let fraction = whole.distance(to: time).nanoseconds
        let digits = String(1_000_000_000 + fraction).dropFirst()
        return "\(CivilTime(secondsSince1970: time.seconds).text).\(digits)Z"
    }

    // MARK: Bytes

    /// 16 bytes a line, with what is printable of them.
    private static func hex(_ bytes: UnsafeRawBufferPointer) -> String {
        var text = ""
        for start in stride(from: 0, to: bytes.count, by: 16) {
            let row = bytes[start..<min(start + 16, bytes.count)]
            let digits = row.map { byte in
                (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
            let letters = row.map { byte in
                (0x20...0x7E).contains(byte) ? String(UnicodeScalar(byte)) : "."
            }
            text += "    " + hexadecimal(UInt64(start)).suffix(6) + "  "
            text += Text.padded(digits.joined(separator: " "), 47) + "  \(letters.joined())\n"
        }
        return text
    }
}

/// JSON over many lines, two blanks a level.
enum PrettyJSON {
    /// `json`, which is valid and compact, with a line for each value.
    static func text(_ json: String) -> String {
        var result = ""
        var depth = 0
        var isInString = false
        var isEscaped = false
        var previous: Character = " "
        func breakLine() { result += "\n" + String(repeating: "  ", count: depth) }
        for character in json {
            defer { previous = character }
            if isInString {
                result.append(character)
                if !isEscaped, character == "\"" { isInString = false }
                isEscaped = !isEscaped && character == "\\"
                continue
            }
            if character.isWhitespace { continue }
            switch character {
            case "{", "[":
                if previous == "{" || previous == "[" { breakLine() }
                result.append(character)
                depth += 1
            case "}", "]":
                depth -= 1
                if previous != "{", previous != "[" { breakLine() }
                result.append(character)
            case ",":
                result.append(character)
                breakLine()
            case ":":
                result += ": "
            default:
                if previous == "{" || previous == "[" { breakLine() }
                isInString = character == "\""
                result.append(character)
            }
        }
        return result
    }
}
