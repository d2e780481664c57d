import Primitives

/// What was found wrong or remarkable on the way from text to ``Configuration``.
struct Findings {
    private(set) var errors: [ConfigurationError] = []
    private(set) var warnings: [ConfigurationWarning] = []

    mutating func error(_ code: ConfigurationError.Code, at place: Place, _ message: String) {
        errors.append(ConfigurationError(code: code, place: place, message: message))
    }

    mutating func warning(at place: Place, _ message: String) {
        warnings.append(ConfigurationWarning(place: place, message: message))
    }

    /// `setting` is not what `expectation` says: `KEY must be EXPECTATION, is VALUE`.
    mutating func mismatch(
        _ code: ConfigurationError.Code,
        _ setting: Setting,
        mustBe expectation: String,
        hint: String = ""
    ) {
        let message = "\(setting.name) must be \(expectation), is \(setting.shown)\(hint)"
        error(code, at: setting.place, message)
    }

    /// `entry` has a key that the table called `table`, or the top level where nil, does not know.
    mutating func unknownKey(_ entry: Setting.Entry, in table: String?, allowed: [String]) {
        let whereabouts = table.map { "in [\($0)]" } ?? "at the top level"
        let phrase = Suggestion.phrase(for: entry.key, in: allowed)
        error(
            .unknownKey,
            at: entry.setting.place,
            "unknown key \"\(entry.key)\" \(whereabouts)\(phrase)"
        )
    }

    mutating func append(_ other: Findings) {
        errors += other.errors
        warnings += other.warnings
    }

    /// Throws where there is an error: all of them, those of the file in the order of its lines.
    func check() throws(ConfigurationErrors) {
        guard !errors.isEmpty else { return }
        let ranked = errors.enumerated().sorted { left, right in
            (Self.rank(left.element.place), left.offset)
                < (Self.rank(right.element.place), right.offset)
        }
        throw ConfigurationErrors(ranked.map(\.element))
    }

    private static func rank(_ place: Place) -> Int {
        if case .file(_, let line) = place { line } else { .max }
    }
}
