/// Why a value is not what its key takes: all of it, or something inside, where it is a table or a
/// list of tables.
enum SettingError: Error {
    /// The value as a whole, by the code of its error.
    case whole(ConfigurationError.Code)
    /// A table inside has a key that is none of `allowed`, all that it may have.
    case unknownKey(Setting.Entry, allowed: [String])
    /// A value inside is not what it must be.
    case mismatch(Setting, mustBe: String)
    /// A table inside lacks a key.
    case lacks(Setting, key: String)
}

extension Reading {
    /// What `read` makes of a value, or what it finds wrong with it.
    init(_ read: () throws(SettingError) -> Value) {
        do throws(SettingError) { self = .value(try read()) } catch { self = .flawed(error) }
    }
}

extension Setting.Value {
    /// A list, each of whose elements `read` makes something of.
    func elements<Element>(_ read: (Setting) throws(SettingError) -> Element) -> Reading<[Element]>
    {
        guard case .array(let elements) = self else { return .wrongType }
        return Reading { () throws(SettingError) -> [Element] in
            var all: [Element] = []
            for element in elements { all.append(try read(element)) }
            return all
        }
    }
}

extension Setting {
    /// Hands each entry of the table to `take`, which is false for what its key does not take.
    /// `keys` are all that the table may have, each with what it must be; a key of YAML without a
    /// value sets nothing.
    func readTable(
        _ keys: KeyValuePairs<String, String>,
        _ take: (String, Setting) throws(SettingError) -> Bool
    ) throws(SettingError) {
        guard case .table(let entries) = value else {
            let names = keys.map(\.key).joined(separator: ", ")
            throw .mismatch(self, mustBe: "a table with keys of these: \(names)")
        }
        try entries.read(keys, take)
    }
}

extension [Setting.Entry] {
    /// As ``Setting/readTable(_:_:)``.
    func read(
        _ keys: KeyValuePairs<String, String>,
        _ take: (String, Setting) throws(SettingError) -> Bool
    ) throws(SettingError) {
        for entry in self {
            guard let known = keys.first(where: { $0.key == entry.key }) else {
                throw .unknownKey(entry, allowed: keys.map(\.key))
            }
            if entry.setting.value == .null { continue }
            guard try take(entry.key, entry.setting) else {
                throw .mismatch(entry.setting, mustBe: known.value)
            }
        }
    }
}

extension Setting.Entry {
    /// The full dotted key of the table that it stands in.
    var table: String { String(setting.name.dropLast(key.count + 1)) }
}
