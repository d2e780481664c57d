import Primitives

extension JSONText {
    /// Whether `text`, which was taken before, holds no number of more digits than every SDK reads
    /// (``Limits/readableDigits``): logs hold integers of any length from when they were not
    /// bounded, and a longer one may end the reader of a worker's SDK.
    ///
    /// Looks at few bytes of most texts: a number that is too long has one of those in it.
    package static func isReadable(_ text: [UInt8]) -> Bool {
        let step = Limits.readableDigits + 1
        guard text.count >= step else { return true }
        return text.withUnsafeBufferPointer { bytes in
            for place in stride(from: step - 1, to: bytes.count, by: step)
            where digits(around: place, in: bytes) > Limits.readableDigits {
                // They may as well be those of a string, or of a fraction.
                var scanner = JSONScanner(bytes, depthLimit: .max)
                return (try? scanner.skipValue()) != nil
            }
            return true
        }
    }

    /// How many digits stand in a row at `place`.
    private static func digits(
        around place: Int,
        in bytes: UnsafeBufferPointer<UInt8>
    ) -> Int {
        guard ASCII.isDigit(bytes[place]) else { return 0 }
        var first = place
        while first > 0, ASCII.isDigit(bytes[first - 1]) { first -= 1 }
        var end = place + 1
        while end < bytes.count, ASCII.isDigit(bytes[end]) { end += 1 }
        return end - first
    }
}
