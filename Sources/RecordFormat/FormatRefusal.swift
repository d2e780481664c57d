/// Why a file is left alone: it is whole, but not one that this engine may use.
package enum FormatRefusal: Error, Equatable, Sendable {
    /// The file begins with something else than this format's mark.
    case foreign
    /// The file's major version is larger than this engine's.
    case newer(major: UInt16)
    /// The file uses features that this engine lacks and may not ignore: the unknown bits.
    case features(UInt32)
}

extension FormatRefusal: CustomStringConvertible {
    package var description: String {
        switch self {
        case .foreign: "is not a file of this engine"
        case .newer(let major):
            "has format \(major), this engine reads up to \(Layout.major): use a newer engine"
        case .features(let bits):
            "needs features unknown to this engine (bits 0x\(String(bits, radix: 16))): "
                + "use a newer engine"
        }
    }
}

/// What one page that has its own checksum turned out to be.
package enum PageReading<Content: Equatable & Sendable>: Equatable, Sendable {
    case valid(Content)
    /// Nothing was ever written here.
    case zero
    /// Half written, or damaged since.
    case damaged
    /// Whole, and not ours to use.
    case refused(FormatRefusal)
}
