/// A record's place in the log: its ordinal, dense, from 0.
package struct Offset: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64

    package init(_ rawValue: UInt64) { self.rawValue = rawValue }

    package static let zero = Offset(0)
    package static let max = Offset(.max)
    /// No log gets as long: a larger number on a disk is no offset.
    package static let limit = Offset(1 << 62)

    package static func < (left: Offset, right: Offset) -> Bool { left.rawValue < right.rawValue }

    /// The offset `count` records later.
    package func advanced(by count: Int) -> Offset { Offset(rawValue + UInt64(count)) }

    /// How many records lie between `self` (inclusive) and `end` (exclusive). `end` is not earlier.
    package func distance(to end: Offset) -> Int { Int(end.rawValue - rawValue) }

    package var description: String { String(rawValue) }
}
