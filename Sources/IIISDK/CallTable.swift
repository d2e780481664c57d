import NIOCore
import Primitives
import WorkerProtocol

/// The calls that wait for their answer.
///
/// Most are answered long before their deadline, so deadlines are not ordered: one timer looks
/// through what is left when the earliest deadline that it knew of has come.
struct CallTable {
    typealias Completion = @Sendable (Result<RawJSON?, SDKError>) -> Void

    struct Call {
        let completion: Completion
        let deadline: NIODeadline
        let functionID: String
    }

    private var calls: [UUID128: Call] = [:]

    var isEmpty: Bool { calls.isEmpty }
    var count: Int { calls.count }

    mutating func add(_ id: UUID128, _ call: Call) { calls[id] = call }

    mutating func remove(_ id: UUID128) -> Call? { calls.removeValue(forKey: id) }

    func has(_ id: UUID128) -> Bool { calls[id] != nil }

    /// Ends every call. What completions start anew is not touched.
    mutating func failAll(_ reason: SDKError) {
        let ended = calls
        calls = [:]
        for call in ended.values { call.completion(.failure(reason)) }
    }

    /// Takes out the calls whose deadline is not after `now`.
    mutating func takeExpired(at now: NIODeadline) -> [Call] {
        let ids = calls.filter { $0.value.deadline <= now }.map(\.key)
        return ids.compactMap { calls.removeValue(forKey: $0) }
    }

    var earliestDeadline: NIODeadline? { calls.values.lazy.map(\.deadline).min() }
}

/// A message that no connection has seen yet.
struct WaitingMessage {
    /// Nil for calls that nobody waits for.
    let id: UUID128?
    let frame: WorkerFrame
}
