import Yams

/// Turns a YAML text into the common form. Plain scalars follow the core schema of YAML 1.2:
/// `yes` and `on` are strings.
struct YAMLReader {
    /// Bounds what aliases can blow a small file up to.
    private static let settingsMax = 100_000

    private let file: String
    private let source: Expansion
    private var settings = 0

    private enum Refusal: Error {
        case tooLarge
        case key(line: Int)
        case tag(String, line: Int)
    }

    /// The tree of `source`; nil, and a finding, where it is not YAML. `file` is its name for
    /// messages.
    static func read(_ source: Expansion, file: String, findings: inout Findings) -> Setting? {
        let line: Int
        let problem: String
        do {
            guard let root = try compose(yaml: source.text) else {
                return Setting(value: .table([]), place: .file(file, line: 0), name: "")
            }
            var reader = YAMLReader(file: file, source: source)
            return try reader.convert(root, "")
        } catch Refusal.tooLarge {
            (line, problem) = (0, "it unfolds to more than \(settingsMax) values")
        } catch Refusal.key(let keyLine) {
            (line, problem) = (keyLine, "a key must be plain text")
        } catch Refusal.tag(let tag, line: let tagLine) {
            (line, problem) = (tagLine, "the tag \(tag) does not fit its value")
        } catch let error as YamlError {
            (line, problem) = describe(error)
        } catch {
            (line, problem) = (0, String(describing: error))
        }
        // What is missing at the end the library finds behind the last line.
        let text = source.text.utf8
        let newline = UInt8(ascii: "\n")
        let lines = text.count { $0 == newline } + (text.last == newline ? 0 : 1)
        let place = Place.file(
            file,
            line: line == 0 ? 0 : source.originalLine(of: min(line, max(1, lines)))
        )
        findings.error(.syntax, at: place, "not valid YAML: \(problem)")
        return nil
    }

    private init(file: String, source: Expansion) {
        self.file = file
        self.source = source
    }

    private static func describe(_ error: YamlError) -> (line: Int, problem: String) {
        switch error {
        case .scanner(let context, let problem, let mark, _),
            .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            (mark.line, context.map { "\($0.text), \(problem)" } ?? problem)
        case .duplicatedKeysInMapping(let duplicates, let context):
            (
                context.mark.line,
                "duplicate keys \(duplicates.sorted().joined(separator: ", "))"
            )
        default: (0, error.description)
        }
    }

    private mutating func convert(_ node: Node, _ name: String) throws -> Setting {
        settings += 1
        guard settings <= Self.settingsMax else { throw Refusal.tooLarge }
        let value: Setting.Value
        switch node {
        case .mapping(let mapping):
            var entries: [Setting.Entry] = []
            for (key, child) in mapping {
                guard case .scalar(let scalar) = key else {
                    throw Refusal.key(line: key.mark?.line ?? 0)
                }
                let childName = name.isEmpty ? scalar.string : "\(name).\(scalar.string)"
                // A value may stand below its key; the key's line is what a reader looks for.
                let setting = try convert(child, childName).moved(to: place(of: key))
                entries.append(Setting.Entry(key: scalar.string, setting: setting))
            }
            value = .table(entries)
        case .sequence(let sequence):
            var elements: [Setting] = []
            for (index, child) in sequence.enumerated() {
                elements.append(try convert(child, "\(name)[\(index)]"))
            }
            value = .array(elements)
        case .scalar(let scalar):
            value = try Self.value(of: scalar)
        case .alias:
            value = .other("an alias")
        }
        return Setting(value: value, place: place(of: node), name: name)
    }

    private func place(of node: Node) -> Place {
        .file(file, line: node.mark.map { source.originalLine(of: $0.line) } ?? 0)
    }

    private static func value(of scalar: Node.Scalar) throws(Refusal) -> Setting.Value {
        let text = scalar.string
        let plain = Self.plain(text)
        let tagged: Setting.Value?
        switch Tag.Name(rawValue: scalar.tag.description) {
        case .str, .nonSpecific: tagged = .string(text)
        case .int: tagged = integer(text)
        case .float: tagged = float(text).map(Setting.Value.number)
        case .bool: if case .boolean = plain { tagged = plain } else { tagged = nil }
        case .null: if case .null = plain { tagged = plain } else { tagged = nil }
        default: tagged = scalar.style == .plain ? plain : .string(text)
        }
        guard let tagged else {
            throw .tag(scalar.tag.description, line: scalar.mark?.line ?? 0)
        }
        return tagged
    }

    /// What a text without quotes and tag means in the core schema (YAML 1.2.2, 10.3.2).
    private static func plain(_ text: String) -> Setting.Value {
        switch text {
        case "", "~", "null", "Null", "NULL": .null
        case "true", "True", "TRUE": .boolean(true)
        case "false", "False", "FALSE": .boolean(false)
        default: integer(text) ?? float(text).map(Setting.Value.number) ?? .string(text)
        }
    }

    /// Decimal digits with or without a sign, octal ones behind `0o`, hexadecimal ones behind `0x`.
    /// Nil: it is none of these, or beyond 64 bits.
    private static func integer(_ text: String) -> Setting.Value? {
        let radix = text.hasPrefix("0x") ? 16 : text.hasPrefix("0o") ? 8 : 10
        let digits = text.dropFirst(radix == 10 ? 0 : 2)
        if radix != 10, digits.first == "+" || digits.first == "-" { return nil }
        if let number = Int64(digits, radix: radix) { return .integer(number) }
        return UInt64(digits, radix: radix).map { .unsigned($0) }
    }

    /// Nil, too, for what no double holds, and for infinities, which no setting can be.
    private static func float(_ text: String) -> Double? {
        guard text.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }) else { return nil }
        return Double(text).flatMap { $0.isFinite ? $0 : nil }
    }
}

extension Setting {
    /// The same value, said to stand at `place`; what it contains stays where it is.
    fileprivate func moved(to place: Place) -> Setting {
        Setting(value: value, place: place, name: name)
    }
}
