import Primitives

/// What a walk over text found that a plain copy would get wrong.
struct StringTraits {
    /// An escape: the bytes are not the content itself.
    var escaped = false
    /// A token or escape that is not standard JSON and has to be replaced.
    var needsRepair = false
}

/// Which of the open containers are objects: one bit a level, allocating only past 64 levels.
private struct NestingStack {
    private(set) var depth = 0
    private var bits: UInt64 = 0
    private var spilled: [UInt64] = []

    @inline(__always)
    var topIsObject: Bool { bits & 1 != 0 }

    @inline(__always)
    mutating func push(isObject: Bool) {
        if depth & 63 == 0, depth > 0 { spilled.append(bits) }
        bits = bits << 1 | (isObject ? 1 : 0)
        depth += 1
    }

    @inline(__always)
    mutating func pop() {
        depth -= 1
        bits >>= 1
        if depth & 63 == 0, depth > 0, let below = spilled.popLast() { bits = below }
    }
}

// The grammar of RFC 8259. Each function takes the position where its piece starts and returns the
// position after it, so that a walk keeps its place in a register.
extension JSONScanner {
    /// The position after the value that starts at `start`, which is not white space. `depth`
    /// containers are open around it, `limit` may be open at once.
    func endOfValue(
        from start: Int,
        depth: Int,
        limit: Int,
        _ traits: inout StringTraits
    ) throws(JSONError) -> Int {
        var nesting = NestingStack()
        var next = start
        while true {
            let first = byte(at: next)
            if first == ASCII.openBrace || first == ASCII.openBracket {
                guard depth + nesting.depth < limit else {
                    throw .tooDeep(at: next, limit: limit)
                }
                let isObject = first == ASCII.openBrace
                next = afterSpace(next + 1)
                let isEmpty = byte(at: next) == (isObject ? ASCII.closeBrace : ASCII.closeBracket)
                if !isEmpty {
                    nesting.push(isObject: isObject)
                    if isObject { next = try endOfKey(from: next, .firstKey, &traits) }
                    continue
                }
                next += 1
            } else {
                next = try endOfScalar(from: next, &traits)
            }
            // A value has ended: close what ends with it, until a comma asks for another value.
            while true {
                if nesting.depth == 0 { return next }
                next = afterSpace(next)
                let isObject = nesting.topIsObject
                let found = byte(at: next)
                if found == ASCII.comma {
                    next = afterSpace(next + 1)
                    if isObject { next = try endOfKey(from: next, .key, &traits) }
                    break
                }
                guard found == (isObject ? ASCII.closeBrace : ASCII.closeBracket) else {
                    let expected = isObject ? JSONError.Expectation.commaOrBrace : .commaOrBracket
                    throw unexpected(at: next, expected: expected)
                }
                nesting.pop()
                next += 1
            }
        }
    }

    /// The position of the value behind the key, colon and white space that start at `start`.
    @inline(__always)
    private func endOfKey(
        from start: Int,
        _ expected: JSONError.Expectation,
        _ traits: inout StringTraits
    ) throws(JSONError) -> Int {
        guard byte(at: start) == ASCII.quote else {
            throw unexpected(at: start, expected: expected)
        }
        return try endOfColon(from: endOfString(from: start + 1, &traits))
    }

    /// The position after white space, a colon and white space.
    @inline(__always)
    func endOfColon(from start: Int) throws(JSONError) -> Int {
        let colon = afterSpace(start)
        guard byte(at: colon) == ASCII.colon else {
            throw unexpected(at: colon, expected: .colon)
        }
        return afterSpace(colon + 1)
    }

    @inline(__always)
    private func endOfScalar(
        from start: Int,
        _ traits: inout StringTraits
    ) throws(JSONError) -> Int {
        guard let first = byte(at: start) else {
            throw unexpected(at: start, expected: .value)
        }
        if first == ASCII.quote { return try endOfString(from: start + 1, &traits) }
        if ASCII.isDigit(first) { return try endOfNumber(from: start) }
        return try endOfWord(first, from: start, &traits)
    }

    /// The position after a negative number, a literal or one of Python's tokens.
    private func endOfWord(
        _ first: UInt8,
        from start: Int,
        _ traits: inout StringTraits
    ) throws(JSONError) -> Int {
        switch first {
        case UInt8(ascii: "t") where hasToken("true", at: start): return start + 4
        case UInt8(ascii: "n") where hasToken("null", at: start): return start + 4
        case UInt8(ascii: "f") where hasToken("false", at: start): return start + 5
        case ASCII.minus:
            guard hasToken("-Infinity", at: start) else {
                return try endOfNumber(from: start + 1)
            }
            traits.needsRepair = true
            return start + 9
        case UInt8(ascii: "N") where hasToken("NaN", at: start):
            traits.needsRepair = true
            return start + 3
        case UInt8(ascii: "I") where hasToken("Infinity", at: start):
            traits.needsRepair = true
            return start + 8
        default: throw unexpected(at: start, expected: .value)
        }
    }

    /// The position after the number whose first digit is due at `start`.
    private func endOfNumber(from start: Int) throws(JSONError) -> Int {
        var next = start
        if byte(at: next) == ASCII.zero {
            next += 1
        } else {
            next = try endOfDigits(from: next)
        }
        let digits = next - start
        guard digits <= Limits.numberDigits || !boundsNumbers else {
            throw .numberOutOfRange(at: start)
        }
        if byte(at: next) == ASCII.dot { next = try endOfDigits(from: next + 1) }
        guard let mark = byte(at: next), mark | 0x20 == UInt8(ascii: "e") else { return next }
        next += 1
        let isSmaller = byte(at: next) == ASCII.minus
        if isSmaller || byte(at: next) == ASCII.plus { next += 1 }
        let end = try endOfDigits(from: next)
        // Nothing of at most 200 digits leaves the range of doubles by an exponent of two.
        if isSmaller || end - next <= 2 && digits <= 200 || !boundsNumbers { return end }
        let number = Double(String(decoding: bytes[start..<end], as: UTF8.self))
        guard number?.isFinite == true else { throw .numberOutOfRange(at: start) }
        return end
    }

    @inline(__always)
    private func endOfDigits(from start: Int) throws(JSONError) -> Int {
        var next = start
        while next < bytes.count, ASCII.isDigit(bytes[next]) { next += 1 }
        guard next > start else { throw unexpected(at: next, expected: .digit) }
        return next
    }

    // MARK: Bytes

    /// The byte at `position`, nil at the end.
    @inline(__always)
    func byte(at position: Int) -> UInt8? { position < bytes.count ? bytes[position] : nil }

    /// The first position from `start` on that holds no white space.
    @inline(__always)
    func afterSpace(_ start: Int) -> Int {
        var next = start
        while next < bytes.count, ASCII.isSpace(bytes[next]) { next += 1 }
        return next
    }

    /// Whether the bytes of `token` stand at `position`.
    @inline(__always)
    func hasToken(_ token: StaticString, at position: Int) -> Bool {
        let count = token.utf8CodeUnitCount
        guard count <= bytes.count - position else { return false }
        for index in 0..<count where bytes[position + index] != token.utf8Start[index] {
            return false
        }
        return true
    }

    /// The error for whatever stands at `position`.
    func unexpected(at position: Int, expected: JSONError.Expectation) -> JSONError {
        .unexpected(at: position, found: byte(at: position), expected: expected)
    }
}
