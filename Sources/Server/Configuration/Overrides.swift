import Primitives

/// Settings that stand above the file: environment variables, then flags.
struct Overrides {
    private var root: Setting
    private(set) var findings = Findings()

    /// Starts from what the file says.
    init(over root: Setting) { self.root = root }

    /// The file's settings with everything that was put above them.
    var result: Setting { root }

    /// Applies every variable `III_SECTION__KEY`: parts are separated by two underscores and read
    /// in lower case, but for what the file has a name of its own for, such as a queue. Variables
    /// without a double underscore are for others, and so are those that functions elsewhere carry.
    mutating func apply(variables: [String: String]) {
        if let grace = variables["III_NAMESPACE_GRACE_MS"] { apply(grace: grace) }
        for (name, text) in variables.sorted(by: { $0.key < $1.key }) {
            guard name.hasPrefix("III_"), !name.hasPrefix("III_SECRET_") else { continue }
            let parts = name.dropFirst("III_".count).lowercased().split(separator: "__")
            guard parts.count >= 2 else { continue }
            put(parts.map(String.init), .untyped(text), .variable(name))
        }
    }

    /// Applies the one variable that has a name of its own: a count of milliseconds.
    private mutating func apply(grace: String) {
        let place = Place.variable("III_NAMESPACE_GRACE_MS")
        guard UInt32(plainDigits: grace) != nil else {
            let message = "must be a whole number of milliseconds, is \"\(grace)\""
            return findings.error(.value, at: place, message)
        }
        put(["engine", "registration_namespace_grace"], .untyped("\(grace)ms"), place)
    }

    /// Applies one `--set section.key=value`. A part of the key that has a dot in it stands in
    /// double quotes; so may the value.
    mutating func apply(flag: String) {
        guard let equals = flag.firstIndex(of: "="),
            let path = Self.path(flag[..<equals]), path.count >= 2
        else {
            let message = "expected section.key=value, as in --set http.timeout=10s"
            findings.error(.syntax, at: .flag("--set \(flag)"), message)
            return
        }
        var text = flag[flag.index(after: equals)...]
        if text.count >= 2, text.hasPrefix("\""), text.hasSuffix("\"") {
            text = text.dropFirst().dropLast()
        }
        put(path, .untyped(String(text)), .flag("--set \(flag[..<equals])"))
    }

    /// Applies `--data`.
    mutating func apply(data: String) {
        put(["engine", "data"], .untyped(data), .flag("--data"))
    }

    /// The parts of `a."b.c".d`; nil where one is empty or a quote is not closed.
    private static func path(_ text: Substring) -> [String]? {
        var parts = [""]
        var isQuoted = false
        for character in text {
            switch character {
            case "\"": isQuoted.toggle()
            case "." where !isQuoted: parts.append("")
            default: parts[parts.count - 1].append(character)
            }
        }
        return isQuoted || parts.contains("") ? nil : parts
    }

    private mutating func put(_ path: [String], _ value: Setting.Value, _ place: Place) {
        for length in 1...path.count {
            let key = path.prefix(length).joined(separator: ".")
            guard Configuration.fileKeys.contains(key) else { continue }
            let message = "\(key) consists of tables, which only the configuration file can hold"
            return findings.error(.type, at: place, message)
        }
        if let list = Self.insert(value, at: path[...], under: "", place, into: &root) {
            let message = "\(list) is a list, which only the configuration file can hold"
            findings.error(.type, at: place, message)
        }
    }

    /// Returns the name of the list that is in the way, if there is one.
    private static func insert(
        _ value: Setting.Value,
        at path: ArraySlice<String>,
        under parent: String,
        _ place: Place,
        into table: inout Setting
    ) -> String? {
        guard let part = path.first else { return nil }
        let key = Self.key(part, in: table, place)
        let name = parent.isEmpty ? key : "\(parent).\(key)"
        if path.count > 1, case .array = table[key]?.value { return name }
        if path.count == 1 {
            removeRival(of: name, writtenElsewhereThan: place, from: &table)
            table.set(key, to: Setting(value: value, place: place, name: name))
            return nil
        }
        let fresh = Setting(value: .table([]), place: place, name: name)
        var child = table[key] ?? fresh
        if child.value == .null { child = fresh }
        // What the file has there is wrong in itself, and reported as such.
        guard child.isTable else { return nil }
        let obstacle = insert(value, at: path.dropFirst(), under: name, place, into: &child)
        table.set(key, to: child)
        return obstacle
    }

    /// What a part of a path names in a table: variables are read in lower case.
    private static func key(_ part: String, in table: Setting, _ place: Place) -> String {
        guard case .variable = place, table[part] == nil else { return part }
        return table.entries.first { $0.key.lowercased() == part }?.key ?? part
    }

    /// A setting wins over one of a lower source that says the same thing under another key.
    private static func removeRival(
        of name: String,
        writtenElsewhereThan place: Place,
        from table: inout Setting
    ) {
        guard let rival = Configuration.rivals[name]?.split(separator: ".").last.map(String.init),
            let other = table[rival], !other.place.isSameSource(as: place)
        else { return }
        table.remove(rival)
    }
}
