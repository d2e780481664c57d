/// Colours of a terminal, or none.
package struct Palette: Equatable, Sendable {
    private let isOn: Bool

    package init(isOn: Bool) { self.isOn = isOn }

    package static let plain = Palette(isOn: false)

    package func gray(_ text: String) -> String { colored(text, "90") }
    package func red(_ text: String) -> String { colored(text, "31") }
    package func green(_ text: String) -> String { colored(text, "32") }
    package func yellow(_ text: String) -> String { colored(text, "33") }
    package func bold(_ text: String) -> String { colored(text, "1") }

    private func colored(_ text: String, _ code: String) -> String {
        isOn ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
