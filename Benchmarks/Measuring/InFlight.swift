/// The requests that one connection waits for: a fixed number of slots, each with one request at a
/// time. A request's number names its slot and is used once.
struct InFlight {
    private static let slotBits: UInt64 = 12

    private var starts: [UInt64]
    private var numbers: [UInt64]
    private var last: UInt64 = 0

    var depth: Int { starts.count }

    init(depth: Int) {
        precondition(depth < 1 << Self.slotBits)
        starts = [UInt64](repeating: 0, count: depth)
        numbers = starts
    }

    /// Begins a request and says its number.
    mutating func begin(slot: Int, now: UInt64) -> UInt64 {
        last += 1
        numbers[slot] = last << Self.slotBits | UInt64(slot)
        starts[slot] = now
        return numbers[slot]
    }

    /// Ends the request with this number.
    mutating func end(_ number: UInt64) throws(Failure) -> (slot: Int, start: UInt64) {
        let slot = Int(number & (1 << Self.slotBits - 1))
        guard slot < numbers.count, numbers[slot] == number else {
            throw Failure("request \(number) was answered twice, or never sent")
        }
        numbers[slot] = 0
        return (slot, starts[slot])
    }
}
