import Glibc

/// A write that is in the ring, with the sync behind it where there is one: each is reported by the
/// ring.
///
/// Invariants:
/// * It ends when all of it was reported, since until then the kernel may use its memory.
/// * It ends well only if its sync began after its write had ended.
struct RingWrite {
    let ticket: UInt64
    let length: Int
    let path: String
    let isLinked: Bool
    /// On a clock that nobody sets, in nanoseconds.
    let submitted: UInt64
    private var failure: StorageError?
    private var isWritten = false
    private var isSynced = false

    init(ticket: UInt64, length: Int, path: String, isLinked: Bool, submitted: UInt64) {
        self.ticket = ticket
        self.length = length
        self.path = path
        self.isLinked = isLinked
        self.submitted = submitted
    }

    /// Its sync went to the kernel after it and by itself, and may have begun at any time: nobody
    /// knows what the medium holds.
    mutating func loseLink() {
        precondition(isLinked)
        failure = failure ?? .system("submit", path: path, code: ENOMEM)
    }

    /// The write was reported.
    ///
    /// - Returns: its end; nil: its sync was not reported yet.
    mutating func written(_ result: Int32) -> Completion? {
        precondition(!isWritten)
        isWritten = true
        failure = failure ?? problem(ofWrite: result)
        return end
    }

    /// The sync was reported. A write that fails or falls short cancels it.
    ///
    /// - Returns: the end; nil: the write was not reported yet.
    mutating func synced(_ result: Int32) -> Completion? {
        precondition(isLinked && !isSynced)
        isSynced = true
        if !isWritten { loseLink() }
        if result < 0 { failure = failure ?? .failed("fdatasync", path, -result) }
        return end
    }

    private var end: Completion? {
        guard isWritten, isSynced || !isLinked else { return nil }
        return Completion(ticket: ticket, failure: failure)
    }

    private func problem(ofWrite result: Int32) -> StorageError? {
        if result < 0 { return .failed("write", path, -result) }
        if Int(result) == length { return nil }
        return .shortWrite(path: path, expected: length, written: Int(result))
    }
}
