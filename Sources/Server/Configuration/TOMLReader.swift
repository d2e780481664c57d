import TOMLKit

/// Turns a TOML text into the common form.
struct TOMLReader {
    private let file: String
    private let source: Expansion
    private let variables: Variables
    private let locator: TOMLLocator
    private var findings = Findings()

    /// The tree of `source`, the references in its strings and quoted keys replaced; nil, and a
    /// finding, where it is not TOML. `file` is its name for messages.
    static func read(
        _ source: Expansion,
        _ variables: Variables,
        file: String,
        findings: inout Findings
    ) -> Setting? {
        let fault = TOMLGuard.fault(in: source.text)
        do {
            // What is wrong before a fault is told in its place.
            let harmless = fault.map { source.text.utf8.prefix($0.statement) }
            let table = try TOMLTable(
                string: harmless.map { String(decoding: $0, as: UTF8.self) } ?? source.text
            )
            if let fault {
                let place = Place.file(file, line: source.originalLine(of: fault.line))
                findings.error(.syntax, at: place, "not valid TOML: \(fault.message)")
                return nil
            }
            var reader = TOMLReader(file: file, source: source, variables: variables)
            let entries = reader.entries(of: table, at: [], name: "")
            findings.append(reader.findings)
            return Setting(value: .table(entries), place: .file(file, line: 0), name: "")
        } catch let error as TOMLParseError {
            let line = source.originalLine(of: error.source.begin.line)
            let message = "not valid TOML: \(error.description)"
            findings.error(.syntax, at: .file(file, line: line), message)
        } catch {
            findings.error(.syntax, at: .file(file, line: 0), "not valid TOML: \(error)")
        }
        return nil
    }

    private init(file: String, source: Expansion, variables: Variables) {
        self.file = file
        self.source = source
        self.variables = variables
        locator = TOMLLocator(source.text)
    }

    private func place(_ path: [TOMLLocator.Step]) -> Place {
        .file(file, line: source.originalLine(of: locator.line(of: path)))
    }

    private mutating func expanded(_ text: String, at place: Place) -> String {
        var unset: [Substring] = []
        let text = variables.expanded(text) { unset.append($0) }
        for name in unset { findings.unsetVariable(name, at: place) }
        return text
    }

    /// In the order of the text; the library hands them out by name.
    private mutating func entries(
        of table: TOMLTable,
        at path: [TOMLLocator.Step],
        name: String
    ) -> [Setting.Entry] {
        let keys = table.keys.map { (key: $0, line: locator.line(of: path + [.key($0)])) }
        var entries: [Setting.Entry] = []
        for (written, _) in keys.sorted(by: { ($0.line, $0.key) < ($1.line, $1.key) }) {
            guard let value = table[written] else { continue }
            let place = place(path + [.key(written)])
            let key = expanded(written, at: place)
            if entries.contains(where: { $0.key == key }) {
                findings.error(.syntax, at: place, "the key \(quoted(key)) is there twice")
            }
            let child = name.isEmpty ? key : "\(name).\(key)"
            let setting = convert(value, path + [.key(written)], child)
            entries.append(Setting.Entry(key: key, setting: setting))
        }
        return entries
    }

    private mutating func convert(
        _ value: any TOMLValueConvertible,
        _ path: [TOMLLocator.Step],
        _ name: String
    ) -> Setting {
        let place = place(path)
        if let table = value.table {
            let entries = entries(of: table, at: path, name: name)
            return Setting(value: .table(entries), place: place, name: name)
        }
        if let array = value.array {
            var elements: [Setting] = []
            for index in 0..<array.count {
                elements.append(convert(array[index], path + [.index(index)], "\(name)[\(index)]"))
            }
            return Setting(value: .array(elements), place: place, name: name)
        }
        let scalar: Setting.Value =
            if let text = value.string {
                .string(expanded(text, at: place))
            } else if let number = value.int {
                .integer(Int64(number))
            } else if let flag = value.bool {
                .boolean(flag)
            } else if let number = value.double {
                .number(number)
            } else {
                .other("a \(value.type.description)")
            }
        return Setting(value: scalar, place: place, name: name)
    }
}
