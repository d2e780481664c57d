/// What the references of a configuration file stand for: `${NAME}`, and `${NAME:default}`.
///
/// A variable that is set counts even when it is empty; a default may hold colons; nothing nests
/// and nothing is escaped. The default `__III_ENGINE_VERSION__` is the engine's version.
struct Variables {
    let values: [String: String]
    let version: String

    struct Reference {
        let name: Substring
        let fallback: Substring?

        /// Reads what stands between the braces; nil where that begins with no name.
        init?(_ inside: Substring) {
            let colon = inside.firstIndex(of: ":")
            name = inside[..<(colon ?? inside.endIndex)]
            fallback = colon.map { inside[inside.index(after: $0)...] }
            guard !name.isEmpty else { return nil }
        }
    }

    /// Nil: the variable is not set, and there is no default.
    func value(of reference: Reference) -> String? {
        if let value = values[String(reference.name)] { return value }
        return reference.fallback.map { $0 == "__III_ENGINE_VERSION__" ? version : String($0) }
    }

    /// `text` with its references replaced; of those that have no value `unset` is told. What a
    /// value holds is not looked at again, and what is no reference stays as it is.
    func expanded(_ text: String, unset: (Substring) -> Void) -> String {
        var result = ""
        var rest = text[...]
        while let start = rest.firstRange(of: "${") {
            result += rest[..<start.lowerBound]
            rest = rest[start.upperBound...]
            guard let end = rest.firstIndex(of: "}"), let reference = Reference(rest[..<end]) else {
                result += "${"
                continue
            }
            if let value = value(of: reference) { result += value } else { unset(reference.name) }
            rest = rest[rest.index(after: end)...]
        }
        return result + rest
    }
}

extension Findings {
    /// A variable that a file names is not set, and has no default there.
    mutating func unsetVariable(_ name: Substring, at place: Place) {
        let message =
            "the environment variable \(name) is not set; set it, or write a default as in"
            + " ${\(name):default}"
        error(.unsetVariable, at: place, message)
    }
}
