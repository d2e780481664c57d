/// One value of a configuration source, before anyone asked whether it is allowed: the common
/// form of TOML, YAML, environment variables and flags.
struct Setting: Equatable, Sendable {
    var value: Value
    /// Where it was written.
    let place: Place
    /// The full dotted key as its author wrote it: `queue.queues.default.backoff`.
    let name: String

    enum Value: Equatable, Sendable {
        case table([Entry])
        case array([Setting])
        case string(String)
        case integer(Int64)
        /// Above `Int64.max`.
        case unsigned(UInt64)
        case number(Double)
        case boolean(Bool)
        case null
        /// From a variable or a flag, which have no types: whatever it can be read as.
        case untyped(String)
        /// What no setting can be: a date or a time of TOML, by its text.
        case other(String)
    }

    struct Entry: Equatable, Sendable {
        let key: String
        var setting: Setting
    }
}

/// Where a value was written.
package enum Place: Equatable, Sendable, CustomStringConvertible {
    /// A file as the user would name it, and a line of it, from 1; 0 where the file as a whole
    /// is meant.
    case file(String, line: Int)
    /// An environment variable.
    case variable(String)
    /// A flag, and the part of its argument that names the setting.
    case flag(String)

    package var description: String {
        switch self {
        case .file(let name, line: 0): name
        case .file(let name, let line): "\(name):\(line)"
        case .variable(let name): name
        case .flag(let text): text
        }
    }

    /// Whether a value from here and a value from `other` were written side by side.
    func isSameSource(as other: Place) -> Bool {
        switch (self, other) {
        case (.file, .file), (.variable, .variable), (.flag, .flag): true
        default: false
        }
    }
}

extension Setting {
    var isTable: Bool {
        if case .table = value { true } else { false }
    }

    /// The entries of a table; empty for anything else.
    var entries: [Entry] {
        guard case .table(let entries) = value else { return [] }
        return entries
    }

    subscript(key: String) -> Setting? {
        entries.first { $0.key == key }?.setting
    }

    /// Adds `setting` under `key`, in the place of an older one. Does nothing unless this is a
    /// table.
    mutating func set(_ key: String, to setting: Setting) {
        guard case .table(var entries) = value else { return }
        if let index = entries.firstIndex(where: { $0.key == key }) {
            entries[index].setting = setting
        } else {
            entries.append(Entry(key: key, setting: setting))
        }
        value = .table(entries)
    }

    /// Removes the entry of `key`, if there is one.
    mutating func remove(_ key: String) {
        guard case .table(var entries) = value else { return }
        entries.removeAll { $0.key == key }
        value = .table(entries)
    }

    /// The value as an error message shows it, cut to a readable length.
    var shown: String {
        switch value {
        case .table: "a table"
        case .array(let elements): elements.isEmpty ? "an empty list" : "a list"
        case .string(let text), .untyped(let text): quoted(text)
        case .integer(let number): String(number)
        case .unsigned(let number): String(number)
        case .number(let number): String(number)
        case .boolean(let flag): String(flag)
        case .null: "empty"
        case .other(let text): text
        }
    }

    private func quoted(_ text: String) -> String {
        text.count <= 60 ? "\"\(text)\"" : "\"\(text.prefix(57))...\""
    }
}
