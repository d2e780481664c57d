/// Whether there is an order of a history's operations that explains every answer: each takes
/// place at one moment between its beginning and its end, one after the other (Herlihy and Wing,
/// *Linearizability*, TOPLAS 1990).
///
/// The search is that of Wing and Gong (*Testing and Verifying Concurrent Objects*, JPDC 1993),
/// with Lowe's memory of what was tried (*Testing for Linearizability*, 2017): which operations are
/// done and what the keys hold then. Operations without an answer may be left out. It is
/// exhaustive: no order found means that there is none, unless it gave up after `steps`.
package struct Checker {
    package enum Verdict: Equatable, Sendable {
        /// There is an order.
        case linearizable
        /// There is none. The search came no further than with so many operations done.
        case violation(done: Int, of: Int)
        /// The search was cut off.
        case undecided
    }

    private let operations: [ObservedCall]
    private let keyCount: Int
    private let steps: Int

    /// A search through `operations`, in any order.
    ///
    /// - Parameters:
    ///   - operations: what the clients saw.
    ///   - keys: how many there are, from 0 on; none is there at first.
    ///   - steps: the most operations that are tried, at some 100 bytes each.
    package init(_ operations: [ObservedCall], keys: Int, steps: Int = 1_000_000) {
        // By beginning: what can come next is then in front.
        self.operations = operations.sorted { $0.began < $1.began }
        keyCount = keys
        self.steps = steps
    }

    /// A choice that was made, and those that are left instead of it.
    private struct Level {
        let state: [Int?]
        var choices: [Int]
        var chosen: Int?
    }

    /// What was tried. Sets of operations are told apart by 128 random bits for each: that two are
    /// taken for one another will not happen.
    private struct Memory: Hashable {
        let high: UInt64
        let low: UInt64
        let state: [Int?]
    }

    package func check() -> Verdict {
        let answered = operations.indices.filter { operations[$0].isAnswered }
        var marks = SplitMix(state: 0x5EED)
        let codes = operations.map { _ in (marks.next(), marks.next()) }
        var done = [Bool](repeating: false, count: operations.count)
        var left = answered.count
        var (high, low): (UInt64, UInt64) = (0, 0)
        var tried: Set<Memory> = []
        var furthest = 0
        var count = 0
        let start = [Int?](repeating: nil, count: keyCount)
        var levels = [Level(state: start, choices: choices(done, start), chosen: nil)]
        while left > 0 {
            guard var level = levels.popLast() else {
                return .violation(done: furthest, of: answered.count)
            }
            if let chosen = level.chosen {
                done[chosen] = false
                high ^= codes[chosen].0
                low ^= codes[chosen].1
                if operations[chosen].isAnswered { left += 1 }
                level.chosen = nil
            }
            guard let next = level.choices.popLast() else { continue }
            count += 1
            if count > steps { return .undecided }
            guard let state = operations[next].applied(to: level.state) else {
                levels.append(level)
                continue
            }
            let memory = Memory(high: high ^ codes[next].0, low: low ^ codes[next].1, state: state)
            guard tried.insert(memory).inserted else {
                levels.append(level)
                continue
            }
            done[next] = true
            high = memory.high
            low = memory.low
            if operations[next].isAnswered { left -= 1 }
            furthest = max(furthest, answered.count - left)
            level.chosen = next
            levels.append(level)
            levels.append(Level(state: state, choices: choices(done, state), chosen: nil))
        }
        return .linearizable
    }

    /// What may take place next: whatever began before the first end of all that is not done, and
    /// is explained by `state`. The last one is tried first.
    ///
    /// Something that changes nothing may as well take place now as later: where there is such a
    /// one, nothing else need be tried.
    private func choices(_ done: [Bool], _ state: [Int?]) -> [Int] {
        var end = UInt64.max
        var open: [Int] = []
        for (index, operation) in operations.enumerated() {
            if operation.began > end { break }
            if done[index] { continue }
            end = min(end, operation.ended)
            open.append(index)
        }
        var writes: [Int] = []
        for index in open where operations[index].began <= end {
            guard let next = operations[index].applied(to: state) else { continue }
            if next != state {
                writes.append(index)
            } else if operations[index].isAnswered {
                return [index]
            }
        }
        return writes.sorted { left, right in
            let (first, second) = (operations[left], operations[right])
            return (first.hint, first.ended) > (second.hint, second.ended)
        }
    }
}

/// The same numbers in every run.
private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
