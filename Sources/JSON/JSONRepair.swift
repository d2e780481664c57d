/// Validated text with what is not standard JSON replaced: `NaN`, `Infinity` and `-Infinity`
/// outside strings by `null`, unpaired surrogate escapes inside strings by `\ufffd`. Every other
/// byte is copied as it is.
func repaired(_ source: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(source.count)
    var inString = false
    var next = 0
    while next < source.count {
        let byte = source[next]
        let consumed: Int
        if inString {
            consumed = copyStringPiece(of: source, at: next, into: &result)
        } else if let length = nonFiniteToken(in: source, at: next) {
            result.append(contentsOf: "null".utf8)
            consumed = length
        } else {
            result.append(byte)
            consumed = 1
        }
        // An escaped quote is part of a two-byte piece and never seen here.
        if byte == ASCII.quote { inString.toggle() }
        next += consumed
    }
    return result
}

/// Copies one byte or one escape; returns how much of the source that was.
private func copyStringPiece(
    of source: UnsafeBufferPointer<UInt8>,
    at position: Int,
    into result: inout [UInt8]
) -> Int {
    guard source[position] == ASCII.backslash else {
        result.append(source[position])
        return 1
    }
    let escape = UnicodeEscape(in: source, at: position)
    if escape?.isUnpaired == true {
        result.append(contentsOf: #"\ufffd"#.utf8)
        return 6
    }
    let end = min(position + (escape?.length ?? 2), source.count)
    result.append(contentsOf: source[position..<end])
    return end - position
}

/// The length of the token at `position` if it is one of Python's for a number that is not finite.
/// The text is valid, so the first letter decides.
private func nonFiniteToken(in source: UnsafeBufferPointer<UInt8>, at position: Int) -> Int? {
    switch source[position] {
    case UInt8(ascii: "N"): return 3
    case UInt8(ascii: "I"): return 8
    case ASCII.minus
    where position + 1 < source.count && source[position + 1] == UInt8(ascii: "I"):
        return 9
    default: return nil
    }
}
