/// A regular expression whose matching takes time in proportion to text and expression, whatever
/// either says: a set of places in the expression moves along the text (Thompson, *Regular
/// expression search algorithm*, CACM 1968). Schemas are input, and one thread checks them.
///
/// The dialect is what JSON Schema asks authors to keep to, and a little more of ECMA-262: no look
/// around, no back references, no Unicode properties.
package struct Pattern: Sendable {
    enum Instruction: Sendable, Equatable {
        case one(ScalarSet)
        case assert(Assertion)
        /// Goes on at both places.
        case split(Int, Int)
        case jump(Int)
        case match
    }

    enum Assertion: Sendable, Equatable { case start, end, boundary, noBoundary }

    private let instructions: [Instruction]

    /// How long it is, written out, in instructions.
    package var size: Int { instructions.count }

    /// Expressions with `{m,n}` are written out; this is how long one may become.
    static let instructionsMax = 5000
    /// Ranges of a class that are looked through within one step: a class may be as long as a
    /// schema.
    private static let rangesOfStep = 16

    /// - Throws: what is wrong with the expression, or not known here.
    package init(_ text: String) throws(PatternError) {
        var parser = PatternParser(text)
        let tree = try parser.parse()
        var instructions: [Instruction] = []
        try Self.compile(tree, into: &instructions)
        instructions.append(.match)
        self.instructions = instructions
    }

    private static func compile(
        _ node: PatternNode,
        into code: inout [Instruction]
    ) throws(PatternError) {
        guard code.count < instructionsMax else { throw PatternError("it is too long") }
        switch node {
        case .one(let set): code.append(.one(set))
        case .assert(let assertion): code.append(.assert(assertion))
        case .sequence(let nodes): for node in nodes { try compile(node, into: &code) }
        case .choice(let nodes): try compile(choice: nodes, into: &code)
        case .repeated(let node, let least, let most):
            for _ in 0..<least { try compile(node, into: &code) }
            if let most {
                try compile(node, upTo: most - least, into: &code)
            } else {
                let start = code.count
                code.append(.jump(0))
                try compile(node, into: &code)
                code.append(.jump(start))
                code[start] = .split(start + 1, code.count)
            }
        }
    }

    private static func compile(
        choice nodes: [PatternNode],
        into code: inout [Instruction]
    ) throws(PatternError) {
        var ends: [Int] = []
        for (number, node) in nodes.enumerated() {
            guard number < nodes.count - 1 else {
                try compile(node, into: &code)
                break
            }
            let start = code.count
            code.append(.jump(0))
            try compile(node, into: &code)
            ends.append(code.count)
            code.append(.jump(0))
            code[start] = .split(start + 1, code.count)
        }
        for end in ends { code[end] = .jump(code.count) }
    }

    private static func compile(
        _ node: PatternNode,
        upTo count: Int,
        into code: inout [Instruction]
    ) throws(PatternError) {
        var starts: [Int] = []
        for _ in 0..<count {
            starts.append(code.count)
            code.append(.jump(0))
            try compile(node, into: &code)
        }
        for start in starts { code[start] = .split(start + 1, code.count) }
    }

    /// Whether it matches anywhere in `text`; each step counts down `budget`.
    ///
    /// - Returns: nil: the budget is used up.
    package func matches(_ text: String, budget: inout Int) -> Bool? {
        var current = Places(instructions.count)
        var next = Places(instructions.count)
        var before: Unicode.Scalar?
        var scalars = text.unicodeScalars.makeIterator()
        var scalar = scalars.next()
        while true {
            enter(0, &current, before, scalar, &budget)
            guard budget > 0 else { return nil }
            if current.hasMatched { return true }
            guard let here = scalar else { return false }
            scalar = scalars.next()
            for place in current.list {
                guard case .one(let set) = instructions[place] else { continue }
                budget -= set.ranges.count / Self.rangesOfStep
                guard budget > 0 else { return nil }
                if set.contains(here) { enter(place + 1, &next, here, scalar, &budget) }
            }
            guard budget > 0 else { return nil }
            if next.hasMatched { return true }
            swap(&current, &next)
            next.clear()
            before = here
        }
    }

    /// The places that the automaton is in at once.
    private struct Places {
        private(set) var list: [Int] = []
        private var isIn: [Bool]
        var hasMatched = false

        init(_ count: Int) { isIn = Array(repeating: false, count: count) }

        mutating func insert(_ place: Int) -> Bool {
            guard !isIn[place] else { return false }
            isIn[place] = true
            list.append(place)
            return true
        }

        mutating func clear() {
            for place in list { isIn[place] = false }
            list.removeAll(keepingCapacity: true)
            hasMatched = false
        }
    }

    /// Adds `start`, and all that is reached from it without taking a scalar.
    private func enter(
        _ start: Int,
        _ places: inout Places,
        _ before: Unicode.Scalar?,
        _ after: Unicode.Scalar?,
        _ budget: inout Int
    ) {
        var waiting = [start]
        while let place = waiting.popLast() {
            guard places.insert(place) else { continue }
            budget -= 1
            switch instructions[place] {
            case .one: break
            case .match: places.hasMatched = true
            case .jump(let target): waiting.append(target)
            case .split(let first, let second): waiting += [second, first]
            case .assert(let assertion):
                if assertion.holds(before, after) { waiting.append(place + 1) }
            }
        }
    }
}

extension Pattern.Assertion {
    fileprivate func holds(_ before: Unicode.Scalar?, _ after: Unicode.Scalar?) -> Bool {
        let isBetween =
            (before.map(ScalarSet.word.contains) ?? false)
            != (after.map(ScalarSet.word.contains) ?? false)
        return switch self {
        case .start: before == nil
        case .end: after == nil
        case .boundary: isBetween
        case .noBoundary: !isBetween
        }
    }
}

/// What is wrong with a regular expression.
package struct PatternError: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

/// Scalars, as a class of an expression names them.
struct ScalarSet: Sendable, Equatable {
    var ranges: [ClosedRange<UInt32>]
    var isInverted = false

    func contains(_ scalar: Unicode.Scalar) -> Bool {
        ranges.contains { $0.contains(scalar.value) } != isInverted
    }

    /// The same as ranges that are not inverted.
    var plain: [ClosedRange<UInt32>] {
        guard isInverted else { return ranges }
        var free: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if range.lowerBound > next { free.append(next...range.lowerBound - 1) }
            next = max(next, range.upperBound + 1)
        }
        if next <= 0x10FFFF { free.append(next...0x10FFFF) }
        return free
    }

    static func one(_ scalar: Unicode.Scalar) -> ScalarSet {
        ScalarSet(ranges: [scalar.value...scalar.value])
    }

    static let digit = ScalarSet(ranges: [0x30...0x39])
    static let word = ScalarSet(ranges: [0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
    static let space = ScalarSet(ranges: [
        0x09...0x0D, 0x20...0x20, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A, 0x2028...0x2029,
        0x202F...0x202F, 0x205F...0x205F, 0x3000...0x3000, 0xFEFF...0xFEFF,
    ])
    /// `.`: all but the ends of lines.
    static let any = ScalarSet(
        ranges: [0x0A...0x0A, 0x0D...0x0D, 0x2028...0x2029],
        isInverted: true
    )

    var inverted: ScalarSet { ScalarSet(ranges: ranges, isInverted: !isInverted) }
}
