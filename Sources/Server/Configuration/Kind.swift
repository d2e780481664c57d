import JSON
import NetServer
import Primitives

/// What a key takes: how it is described, read and shown.
struct Kind<Value: Sendable>: Sendable {
    /// Completes "must be …".
    let expectation: String
    /// The words that it takes, where it takes words.
    var words: [String] = []
    /// Whether it is a table, or a list of tables: no text of a flag or a variable says that.
    var holdsTables = false
    let read: @Sendable (Setting.Value) -> Reading<Value>
    /// The value as TOML.
    let show: @Sendable (Value) -> String
}

enum Reading<Value> {
    case value(Value)
    /// Of another type altogether.
    case wrongType
    /// Of the right type, and not allowed.
    case refused
    /// Of the right type, with something wrong inside.
    case flawed(SettingError)
}

extension Kind {
    /// A kind that is written as a string; `parse` returns nil for what is not allowed.
    static func text(
        _ expectation: String,
        words: [String] = [],
        show: @escaping @Sendable (Value) -> String,
        parse: @escaping @Sendable (String) -> Value?
    ) -> Self {
        Kind(
            expectation: expectation,
            words: words,
            read: { value in
                guard case .string(let text) = value.typed(asString: true) else {
                    return .wrongType
                }
                return parse(text).map(Reading.value) ?? .refused
            },
            show: { quoted(show($0)) }
        )
    }
}

/// `text` as a string of TOML, which is one of JSON as well.
func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"", "\\": quoted += "\\\(scalar)"
        case "\u{0}"..."\u{1F}", "\u{7F}":
            let digits = String(scalar.value, radix: 16)
            quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: quoted.unicodeScalars.append(scalar)
        }
    }
    return quoted + "\""
}

extension Kind where Value == String {
    static let nonEmpty = Kind.text("a string that is not empty", show: { $0 }) {
        $0.isEmpty ? nil : $0
    }

    static let path = Kind.text(
        "a path, written out (no shell is there to replace ~)",
        show: { $0 },
        parse: { path in
            let isOfShell = path == "~" || path.hasPrefix("~/")
            return path.isEmpty || path.utf8.contains(0) || isOfShell ? nil : path
        }
    )

    static let timezone = Kind.text(
        ZoneDatabase.isMissing
            ? "\"UTC\", as this system has no time zone database (install tzdata)"
            : "a name of the system's time zone database, such as \"Europe/Berlin\", or \"UTC\"",
        show: { $0 },
        parse: { ZoneDatabase.rules(of: $0) == nil ? nil : $0 }
    )

    /// Shown without being told.
    static let secret = Kind.text("a string that is not empty", show: { _ in "***" }) {
        $0.isEmpty ? nil : $0
    }
}

extension Kind {
    /// A list of strings, or of integers by their digits; from a variable or a flag, texts with
    /// commas between them, or a list as it is shown.
    static func list<Element: Sendable>(
        _ expectation: String,
        show: @escaping @Sendable (Element) -> String,
        quoted isQuoted: Bool = true,
        parse: @escaping @Sendable (String) -> Element?
    ) -> Self where Value == [Element] {
        Kind(
            expectation: expectation,
            read: { value in
                var texts: [String] = []
                switch value {
                case .untyped(let text) where text.hasPrefix("["):
                    guard let found = elements(ofList: text) else { return .refused }
                    texts = found
                case .untyped(let text):
                    texts = text.split(separator: ",").map(String.init)
                case .array(let elements):
                    for element in elements {
                        switch element.value {
                        case .string(let text): texts.append(text)
                        case .integer(let number): texts.append(String(number))
                        default: return .wrongType
                        }
                    }
                default: return .wrongType
                }
                let parsed = texts.compactMap(parse)
                return parsed.count == texts.count ? .value(parsed) : .refused
            },
            show: { list in
                let texts = list.map { isQuoted ? quoted(show($0)) : show($0) }
                return "[" + texts.joined(separator: ", ") + "]"
            }
        )
    }
}

/// The strings, and the integers, of a list as it is shown, which reads as JSON; nil: it does not,
/// or holds something else.
private func elements(ofList text: String) -> [String]? {
    let list = try? JSONText(validating: Array(text.utf8))
    let found = list?.elements?.map { element in
        element.stringValue ?? element.numberValue?.int64Value.map { String($0) }
    }
    guard let found, !found.contains(nil) else { return nil }
    return found.compactMap(\.self)
}

extension Kind where Value == [String] {
    static let hostNames = Kind.list("a list of host names without ports", show: { $0 }) { name in
        let isName = name.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            default: byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
            }
        }
        return name.isEmpty || !isName ? nil : name
    }
}

extension Kind where Value == Bool {
    static let flag = Kind(
        expectation: "true or false",
        read: { value in
            guard case .boolean(let flag) = value.typed() else { return .wrongType }
            return .value(flag)
        },
        show: { String($0) }
    )
}

extension Kind where Value: FixedWidthInteger & Sendable {
    static func integer(_ range: ClosedRange<Value>) -> Self {
        let expectation =
            range.upperBound == Value.max && Value.bitWidth > 16
            ? "an integer of at least \(range.lowerBound)"
            : "an integer from \(range.lowerBound) to \(range.upperBound)"
        return Kind(
            expectation: expectation,
            read: { value in
                guard case .integer(let number) = value.typed() else { return .wrongType }
                guard let fitting = Value(exactly: number), range.contains(fitting) else {
                    return .refused
                }
                return .value(fitting)
            },
            show: { String($0) }
        )
    }
}

extension Kind where Value == Int {
    /// Bytes, as an integer or with a unit.
    static func size(_ range: ClosedRange<Int>) -> Self {
        let bounds =
            range.upperBound == .max
            ? "of at least \(Quantity.text(bytes: range.lowerBound))"
            : "from \(Quantity.text(bytes: range.lowerBound))"
                + " to \(Quantity.text(bytes: range.upperBound))"
        return Kind(
            expectation: "a size \(bounds), such as \(examples(in: range))",
            read: { value in
                let bytes: Int?
                switch value.typed() {
                case .integer(let number): bytes = Int(exactly: number)
                case .string(let text): bytes = Quantity.size(text)
                default: return .wrongType
                }
                guard let bytes, range.contains(bytes) else { return .refused }
                return .value(bytes)
            },
            show: { "\"\(Quantity.text(bytes: $0))\"" }
        )
    }

    /// Sizes that would be taken; `range` has one of them at least.
    private static func examples(in range: ClosedRange<Int>) -> String {
        let sizes = [512 << 10, 64 << 20, 10 << 30].filter { range.contains($0) }
        let texts = sizes.map { "\"\(Quantity.text(bytes: $0))\"" }
        return texts.count < 2
            ? texts.joined()
            : "\(texts.dropLast().joined(separator: ", ")) or \(texts[texts.count - 1])"
    }
}

extension Kind where Value == Timestamp.Span {
    private static let examples = "such as \"50ms\", \"30s\" or \"7d\""

    static let span = Kind.text("a duration \(examples)", show: { Quantity.text($0) }) {
        Quantity.span($0)
    }

    static let positiveSpan = Kind.text(
        "a duration above zero \(examples)",
        show: { Quantity.text($0) },
        parse: { Quantity.span($0).flatMap { $0.nanoseconds > 0 ? $0 : nil } }
    )
}

extension Kind where Value == ListenAddress {
    static let address = Kind.text(
        "HOST:PORT such as \"127.0.0.1:3111\" or \"[::1]:3111\"",
        show: { $0.description },
        parse: { ListenAddress($0) }
    )
}

extension Kind where Value == Configuration.Durability {
    static let durability = Kind.text(
        "\"sync\", or \"interval:\" and a duration above zero such as \"interval:50ms\"",
        words: ["sync"],
        show: { $0.text },
        parse: { text in
            if text == "sync" { return .sync }
            guard text.hasPrefix("interval:"),
                let span = Quantity.span(String(text.dropFirst("interval:".count))),
                span.nanoseconds > 0
            else { return nil }
            return .interval(span)
        }
    )
}

extension Kind where Value: RawRepresentable<String> & CaseIterable & Sendable {
    /// One of the words of an enumeration.
    static var choice: Self {
        let words = Value.allCases.map(\.rawValue)
        return Kind.text(
            words.map { "\"\($0)\"" }.joined(separator: " or "),
            words: words,
            show: { $0.rawValue },
            parse: { Value(rawValue: $0) }
        )
    }
}

extension Setting.Value {
    /// What an untyped value stands for: itself where a string is asked for, else the integer or
    /// the truth value that it spells, else itself. A typed value is what it is.
    func typed(asString: Bool = false) -> Self {
        guard case .untyped(let text) = self else { return self }
        if asString { return .string(text) }
        switch text {
        case "true": return .boolean(true)
        case "false": return .boolean(false)
        default: return Int64(plainDigits: text).map(Self.integer) ?? .string(text)
        }
    }
}
