import DequeModule
import HTTP
package import Primitives

/// External synchrony: holds every effect until the records that it depends on are durable.
///
/// The one place where the engine lets something out (Nightingale et al., *Rethink the Sync*,
/// OSDI 2006). Effects leave in the order in which they were held, but for those that read the
/// files of the log: they wait for the files, also where the others need not.
///
/// Invariants:
/// * An effect held for offset `n` is released only with a durable tail above `n`.
/// * `payloadBytes` is the sum of those of `held`.
package struct Gate {
    private var held: Deque<Held> = []
    private var readers: Deque<Held> = []
    /// What is held, without what reads the log: that holds no payload.
    private(set) var payloadBytes = 0
    /// HTTP responses that were held, by status.
    package private(set) var replies: [Int: UInt64] = [:]

    private struct Held {
        /// The first durable tail at which the effect may leave.
        let tail: Offset
        let effect: Effect
    }

    package init() {}

    package var isEmpty: Bool { held.isEmpty && readers.isEmpty }
    package var count: Int { held.count + readers.count }
    /// Whether more is to be held. What is there leaves by itself: nothing rests on more than what
    /// is staged, and the device takes all of that.
    var hasRoom: Bool { payloadBytes < Limits.heldPayloadBytes }

    /// Holds `effect` until the record at `offset` is durable; nil: it depends on none.
    package mutating func hold(_ effect: Effect, after offset: Offset?) {
        if case .respond(_, let reply, _) = effect { replies[reply.status, default: 0] += 1 }
        payloadBytes += effect.payloadBytes
        held.append(Held(tail: offset?.advanced(by: 1) ?? .zero, effect: effect))
    }

    /// Holds an effect that reads the files of the log, up to `end`: not below that of any before.
    package mutating func hold(reader: Effect, below end: Offset) {
        readers.append(Held(tail: end, effect: reader))
    }

    /// Hands on what reads only records below `durable`: those are in the files.
    package mutating func releaseReaders(below durable: Offset, into effects: inout [Effect]) {
        while let first = readers.first, first.tail <= durable {
            effects.append(readers.removeFirst().effect)
        }
    }

    /// Hands on what depends only on records below `tail`, in order.
    package mutating func release(below tail: Offset, into effects: inout [Effect]) {
        while let first = held.first, first.tail <= tail {
            payloadBytes -= first.effect.payloadBytes
            effects.append(held.removeFirst().effect)
        }
    }
}
