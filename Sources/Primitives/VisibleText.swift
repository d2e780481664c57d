extension String {
    /// The text without anything that moves a terminal's cursor or turns the direction of writing:
    /// such characters are written as `\u001b`, which inside a JSON string is the same character.
    package var visible: String { shown(keeping: "") }

    /// The same of a text that may have lines and tabulators.
    package var visibleLines: String { shown(keeping: "\n\t") }

    private func shown(keeping kept: String) -> String {
        guard unicodeScalars.contains(where: Self.isHidden) else { return self }
        var result = ""
        for scalar in unicodeScalars {
            switch scalar {
            case _ where kept.unicodeScalars.contains(scalar): result.unicodeScalars.append(scalar)
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where Self.isHidden(scalar):
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F...0x9F, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: true
        default: false
        }
    }
}
