/// How often somebody tries again who meets changes again and again: for as long as each lies
/// behind the one before, and a few times more.
///
/// An engine goes through its log from the oldest segment on, so that what it changes meanwhile
/// comes to an end. Whoever waits for that is bounded by what there was when he began: what was
/// added since does not count as a way that was made.
struct RetryBudget {
    private let end: UInt64
    private var last: UInt64?
    private var left: Int

    /// For changes of something that has `end` places.
    init(end: UInt64, attempts: Int = 20) {
        self.end = end
        left = attempts
    }

    /// - Returns: whether to try again, after `place` was the first that had changed.
    mutating func suffices(for place: UInt64) -> Bool {
        defer { last = place }
        if let last, place > last, place < end { return true }
        left -= 1
        return left > 0
    }
}
