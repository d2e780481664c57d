/// A regular expression as it was written, without what stands for the empty text alone.
///
/// Invariant: what is in a sequence, and what is repeated, has something to compile, so that
/// writing repetitions out comes to ``Pattern/instructionsMax`` or to an end.
indirect enum PatternNode {
    case one(ScalarSet)
    case assert(Pattern.Assertion)
    case sequence([PatternNode])
    case choice([PatternNode])
    /// Nil: as often as one likes.
    case repeated(PatternNode, least: Int, most: Int?)

    var isEmpty: Bool { if case .sequence(let nodes) = self { nodes.isEmpty } else { false } }
}

/// Reads a regular expression of ECMA-262, as far as ``Pattern`` knows them.
struct PatternParser {
    private let scalars: [Unicode.Scalar]
    private var position = 0
    private var depth = 0

    private static let depthMax = 50
    private static let repeatMax = 1000

    init(_ text: String) { scalars = Array(text.unicodeScalars) }

    mutating func parse() throws(PatternError) -> PatternNode {
        let node = try choice()
        guard position == scalars.count else { throw PatternError("a \")\" closes nothing") }
        return node
    }

    private var next: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    private mutating func take() -> Unicode.Scalar? {
        guard let scalar = next else { return nil }
        position += 1
        return scalar
    }

    private mutating func take(_ text: String) -> Bool {
        let wanted = Array(text.unicodeScalars)
        guard scalars[position...].starts(with: wanted) else { return false }
        position += wanted.count
        return true
    }

    private mutating func choice() throws(PatternError) -> PatternNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax else { throw PatternError("its groups are nested too deep") }
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        return branches.count == 1 ? branches[0] : .choice(branches)
    }

    private mutating func sequence() throws(PatternError) -> PatternNode {
        var nodes: [PatternNode] = []
        while let scalar = next, scalar != "|", scalar != ")" {
            let node = try quantified(try atom())
            if !node.isEmpty { nodes.append(node) }
        }
        return .sequence(nodes)
    }

    private mutating func atom() throws(PatternError) -> PatternNode {
        guard let scalar = take() else { throw PatternError("it ends too early") }
        switch scalar {
        case "^": return .assert(.start)
        case "$": return .assert(.end)
        case ".": return .one(.any)
        case "[": return .one(try characterClass())
        case "(": return try group()
        case "\\": return try escape()
        case "*", "+", "?": throw PatternError("there is nothing to repeat before \"\(scalar)\"")
        default: return .one(.one(scalar))
        }
    }

    private mutating func group() throws(PatternError) -> PatternNode {
        if take("?") {
            if take("<"), next != "=", next != "!" {
                while let scalar = take(), scalar != ">" {}
            } else if !take(":") {
                throw PatternError("look around is not known here")
            }
        }
        let node = try choice()
        guard take(")") else { throw PatternError("a group is not closed") }
        return node
    }

    // MARK: Repetition

    private mutating func quantified(_ node: PatternNode) throws(PatternError) -> PatternNode {
        let bounds: (least: Int, most: Int?)
        switch next {
        case "*": bounds = (0, nil)
        case "+": bounds = (1, nil)
        case "?": bounds = (0, 1)
        case "{":
            guard let written = try repetition() else { return node }
            bounds = written
            position -= 1
        default: return node
        }
        position += 1
        if case .assert = node { throw PatternError("an assertion cannot be repeated") }
        // A lazy one matches the same texts.
        _ = take("?")
        if node.isEmpty || bounds.most == 0 { return .sequence([]) }
        return .repeated(node, least: bounds.least, most: bounds.most)
    }

    /// `{m}`, `{m,}` or `{m,n}`; nil, and nothing taken: the brace stands for itself.
    private mutating func repetition() throws(PatternError) -> (least: Int, most: Int?)? {
        let start = position
        position += 1
        guard let least = number() else {
            position = start
            throw PatternError("write \\{ for a brace")
        }
        var most: Int? = least
        if take(",") { most = number() }
        guard take("}") else { throw PatternError("a \"{\" is not closed") }
        let largest = most ?? least
        guard largest <= Self.repeatMax, least <= largest else {
            throw PatternError("repetitions go up to \(Self.repeatMax), the smaller number first")
        }
        return (least, most)
    }

    private mutating func number() -> Int? {
        var value: Int?
        while let scalar = next, ScalarSet.digit.contains(scalar) {
            position += 1
            value = min((value ?? 0) * 10 + Int(scalar.value - 0x30), Self.repeatMax + 1)
        }
        return value
    }

    // MARK: Escapes and classes

    private mutating func escape() throws(PatternError) -> PatternNode {
        switch next {
        case "b":
            position += 1
            return .assert(.boundary)
        case "B":
            position += 1
            return .assert(.noBoundary)
        default: return .one(try escapedSet())
        }
    }

    private mutating func escapedSet() throws(PatternError) -> ScalarSet {
        guard let scalar = take() else { throw PatternError("it ends in \"\\\"") }
        switch scalar {
        case "d": return .digit
        case "D": return ScalarSet.digit.inverted
        case "w": return .word
        case "W": return ScalarSet.word.inverted
        case "s": return .space
        case "S": return ScalarSet.space.inverted
        case "t": return .one("\t")
        case "n": return .one("\n")
        case "r": return .one("\r")
        case "f": return .one("\u{0C}")
        case "v": return .one("\u{0B}")
        case "0": return .one("\0")
        case "x": return .one(try hexadecimal(2))
        case "u":
            if take("{") {
                let value = try hexadecimal(nil)
                guard take("}") else { throw PatternError("\"\\u{\" is not closed") }
                return .one(value)
            }
            return .one(try hexadecimal(4))
        case "1"..."9", "k": throw PatternError("back references are not known here")
        case "p", "P": throw PatternError("Unicode properties are not known here")
        default:
            guard !ScalarSet.word.contains(scalar) else {
                throw PatternError("\"\\\(scalar)\" is not known here")
            }
            return .one(scalar)
        }
    }

    private mutating func hexadecimal(_ digits: Int?) throws(PatternError) -> Unicode.Scalar {
        var value: UInt32 = 0
        var count = 0
        while count < digits ?? 6, let scalar = next, let digit = Character(scalar).hexDigitValue {
            position += 1
            count += 1
            value = value << 4 | UInt32(digit)
        }
        guard count > 0, digits == nil || count == digits, let scalar = Unicode.Scalar(value) else {
            throw PatternError("a hexadecimal number is expected behind \"\\x\" and \"\\u\"")
        }
        return scalar
    }

    private mutating func characterClass() throws(PatternError) -> ScalarSet {
        var set = ScalarSet(ranges: [], isInverted: take("^"))
        while true {
            guard next != nil else { throw PatternError("a \"[\" is not closed") }
            if take("]") { return set }
            let first = try member()
            guard next == "-", position + 1 < scalars.count, scalars[position + 1] != "]" else {
                set.ranges += first.plain
                continue
            }
            position += 1
            let last = try member()
            guard let low = first.only, let high = last.only, low <= high else {
                throw PatternError("a range in a class is from a smaller to a larger character")
            }
            set.ranges.append(low...high)
        }
    }

    private mutating func member() throws(PatternError) -> ScalarSet {
        guard let scalar = take() else { throw PatternError("a \"[\" is not closed") }
        guard scalar == "\\" else { return .one(scalar) }
        if take("b") { return .one("\u{08}") }
        if take("-") { return .one("-") }
        return try escapedSet()
    }
}

extension ScalarSet {
    fileprivate var only: UInt32? {
        guard !isInverted, ranges.count == 1, ranges[0].count == 1 else { return nil }
        return ranges[0].lowerBound
    }
}
