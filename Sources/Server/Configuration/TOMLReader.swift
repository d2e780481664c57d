import TOMLKit

/// Turns a TOML text into the common form.
struct TOMLReader {
    private let file: String
    private let source: Expansion
    private let locator: TOMLLocator

    /// The tree of `source`; nil, and a finding, where it is not TOML. `file` is its name for
    /// messages.
    static func read(_ source: Expansion, file: String, findings: inout Findings) -> Setting? {
        do {
            let table = try TOMLTable(string: source.text)
            let reader = TOMLReader(file: file, source: source)
            return reader.setting(.table(reader.entries(of: table, at: [], name: "")), [], "")
        } catch let error as TOMLParseError {
            let line = source.originalLine(of: error.source.begin.line)
            let message = "not valid TOML: \(error.description)"
            findings.error(.syntax, at: .file(file, line: line), message)
        } catch {
            findings.error(.syntax, at: .file(file, line: 0), "not valid TOML: \(error)")
        }
        return nil
    }

    private init(file: String, source: Expansion) {
        self.file = file
        self.source = source
        locator = TOMLLocator(source.text)
    }

    private func setting(
        _ value: Setting.Value,
        _ path: [TOMLLocator.Step],
        _ name: String
    ) -> Setting {
        let line = path.isEmpty ? 0 : source.originalLine(of: locator.line(of: path))
        return Setting(value: value, place: .file(file, line: line), name: name)
    }

    /// In the order of the text; the library hands them out by name.
    private func entries(
        of table: TOMLTable,
        at path: [TOMLLocator.Step],
        name: String
    ) -> [Setting.Entry] {
        let keys = table.keys.map { (key: $0, line: locator.line(of: path + [.key($0)])) }
        return keys.sorted { ($0.line, $0.key) < ($1.line, $1.key) }.compactMap { key, _ in
            guard let value = table[key] else { return nil }
            let child = name.isEmpty ? key : "\(name).\(key)"
            return Setting.Entry(
                key: key,
                setting: convert(value, path + [.key(key)], child)
            )
        }
    }

    private func convert(
        _ value: any TOMLValueConvertible,
        _ path: [TOMLLocator.Step],
        _ name: String
    ) -> Setting {
        if let table = value.table {
            return setting(.table(entries(of: table, at: path, name: name)), path, name)
        }
        if let array = value.array {
            let elements = (0..<array.count).map { index in
                convert(array[index], path + [.index(index)], "\(name)[\(index)]")
            }
            return setting(.array(elements), path, name)
        }
        let scalar: Setting.Value =
            if let text = value.string {
                .string(text)
            } else if let number = value.int {
                .integer(Int64(number))
            } else if let flag = value.bool {
                .boolean(flag)
            } else if let number = value.double {
                .number(number)
            } else {
                .other("a \(value.type.description)")
            }
        return setting(scalar, path, name)
    }
}
