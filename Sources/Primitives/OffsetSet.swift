/// A set of offsets, as small where they lie close together as where they are far apart: chunks of
/// 65,536, each a list of its members while they are few and a bitmap where they are many (Chambi,
/// Lemire, Kaser, Godin, *Better bitmap performance with Roaring bitmaps*, 2016).
///
/// A member takes at most 2 bytes, beside what its chunk does.
package struct OffsetSet: Sendable {
    private var chunks: [UInt64: Chunk] = [:]
    package private(set) var count = 0

    package init() {}

    private enum Chunk: Sendable {
        /// Ascending.
        case list([UInt16])
        case bitmap([UInt64])
    }

    /// As many members take less as a bitmap, of 8 KiB, than as a list.
    private static let listed = 4096

    package func contains(_ offset: Offset) -> Bool {
        let low = UInt16(truncatingIfNeeded: offset.rawValue)
        switch chunks[offset.rawValue >> 16] {
        case nil: return false
        case .list(let members)?:
            let place = Self.place(of: low, in: members)
            return place < members.count && members[place] == low
        case .bitmap(let words)?: return words[Int(low >> 6)] & (1 << UInt64(low & 63)) != 0
        }
    }

    package mutating func insert(_ offset: Offset) {
        let low = UInt16(truncatingIfNeeded: offset.rawValue)
        let isNew = Self.insert(low, into: &chunks[offset.rawValue >> 16, default: .list([])])
        if isNew { count += 1 }
    }

    private static func insert(_ low: UInt16, into chunk: inout Chunk) -> Bool {
        switch chunk {
        case .list(var members):
            let place = place(of: low, in: members)
            if place < members.count, members[place] == low { return false }
            // The chunk lets go of the list, so that it is changed in place.
            chunk = .list([])
            members.insert(low, at: place)
            chunk = members.count > listed ? .bitmap(bitmap(members)) : .list(members)
            return true
        case .bitmap(var words):
            chunk = .list([])
            let mask: UInt64 = 1 << UInt64(low & 63)
            let isNew = words[Int(low >> 6)] & mask == 0
            words[Int(low >> 6)] |= mask
            chunk = .bitmap(words)
            return isNew
        }
    }

    private static func bitmap(_ members: [UInt16]) -> [UInt64] {
        var words = [UInt64](repeating: 0, count: 1024)
        for low in members { words[Int(low >> 6)] |= 1 << UInt64(low & 63) }
        return words
    }

    /// Where `low` is, or would be.
    private static func place(of low: UInt16, in members: [UInt16]) -> Int {
        // They mostly come in order.
        if let last = members.last, last < low { return members.count }
        var from = 0
        var to = members.count
        while from < to {
            let middle = (from + to) / 2
            if members[middle] < low { from = middle + 1 } else { to = middle }
        }
        return from
    }
}
