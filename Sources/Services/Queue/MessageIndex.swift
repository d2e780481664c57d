import Primitives

/// A queue's messages by their offsets.
///
/// Blocks of 64 consecutive offsets, found by their number: a queue's messages have ascending and
/// mostly neighbouring offsets, so that a lookup seldom leaves the block of the one before, and the
/// table of blocks grows 64 times slower than one of messages would, with pauses as much shorter.
///
/// Invariant: a block in the table holds at least one message.
struct MessageIndex {
    private var blocks: [UInt64: Block] = [:]
    private var recent: (number: UInt64, block: Block)?
    private(set) var count = 0

    /// The slots are memory of its own: those of an array in it would be let go one after the other
    /// by way of their type's metadata, a tenth of what a fold takes, and nearly always they are
    /// empty by then.
    private final class Block {
        static let size = 64
        private let slots = UnsafeMutableBufferPointer<Message?>.allocate(capacity: size)
        private(set) var count = 0

        init() { slots.initialize(repeating: nil) }

        deinit {
            if count > 0 { slots.deinitialize() }
            slots.deallocate()
        }

        var indices: Range<Int> { slots.indices }

        subscript(_ slot: Int) -> Message? {
            get { slots[slot] }
            set {
                count += (newValue == nil ? 0 : 1) - (slots[slot] == nil ? 0 : 1)
                slots[slot] = newValue
            }
        }
    }

    private static func place(_ offset: Offset) -> (block: UInt64, slot: Int) {
        let (block, slot) = offset.rawValue.quotientAndRemainder(dividingBy: UInt64(Block.size))
        return (block, Int(slot))
    }

    subscript(_ offset: Offset) -> Message? {
        let place = Self.place(offset)
        if let recent, recent.number == place.block { return recent.block[place.slot] }
        return blocks[place.block]?[place.slot]
    }

    /// Adds a message, or puts it in the place of one with the same offset.
    mutating func insert(_ message: Message) {
        let place = Self.place(message.offset)
        let block = block(place.block)
        if block[place.slot] == nil { count += 1 }
        block[place.slot] = message
    }

    private mutating func block(_ number: UInt64) -> Block {
        if let recent, recent.number == number { return recent.block }
        let block = blocks[number] ?? Block()
        if block.count == 0 { blocks[number] = block }
        recent = (number, block)
        return block
    }

    mutating func remove(_ offset: Offset) -> Message? {
        let place = Self.place(offset)
        guard let block = blocks[place.block], let message = block[place.slot] else {
            return nil
        }
        block[place.slot] = nil
        count -= 1
        if block.count == 0 {
            blocks[place.block] = nil
            if recent?.number == place.block { recent = nil }
        }
        return message
    }

    /// The `count` oldest messages that `fits` takes, in the order of their offsets.
    func first(_ count: Int, where fits: (Message) -> Bool) -> [Message] {
        var found: [Message] = []
        found.reserveCapacity(min(count, self.count))
        for number in blocks.keys.sorted() {
            guard let block = blocks[number] else { continue }
            for slot in block.indices {
                guard found.count < count else { return found }
                if let message = block[slot], fits(message) { found.append(message) }
            }
        }
        return found
    }

    /// How many messages `fits` takes.
    func count(where fits: (Message) -> Bool) -> Int {
        var count = 0
        for block in blocks.values {
            for slot in block.indices {
                if let message = block[slot], fits(message) { count += 1 }
            }
        }
        return count
    }

    /// All messages, in the order of their offsets.
    var inOrder: [Message] { first(count) { _ in true } }
}
