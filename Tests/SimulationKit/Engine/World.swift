import Engine
import Primitives

/// Who is connected in one life, and what they wait for.
struct World {
    struct Running {
        let invocation: UUID128
        let function: String
        let payload: [UInt8]
    }

    struct Peer {
        let connection: ConnectionID
        var running: [Running] = []
    }

    /// What a caller expects to be told.
    enum Expected {
        case receipt
        /// The answer, and how many writes of the state it tells of.
        case state([UInt8]?, writes: Int, isWrite: Bool)
        case echo([UInt8])
        /// The answer of a stream's function, and how many events of streams it tells of.
        case item([UInt8]?, events: Int)
        case anything
    }

    struct Waiting {
        let connection: ConnectionID
        let expected: Expected
    }

    var peers: [Peer] = []
    /// By the id of the call.
    var calls: [String: Waiting] = [:]
    /// Requests without a response, with their bodies.
    var exchanges: [ExchangeID: [UInt8]] = [:]
    /// In the order in which they were sent.
    var open: [ExchangeID] = []
    /// Whose clients went away: a response that was under way may still come.
    var abandoned: Set<ExchangeID> = []
    /// The keys that have a trigger, and whose it is.
    var reacting: [String: ConnectionID] = [:]

    /// The place of a peer, by any number; nil: there is none.
    func place(_ number: UInt64) -> Int? {
        peers.isEmpty ? nil : Int(number % UInt64(peers.count))
    }

    /// One of the invocations that are running, by any number.
    func running(_ number: UInt64) -> (peer: Int, index: Int)? {
        let count = peers.reduce(0) { $0 + $1.running.count }
        guard count > 0 else { return nil }
        var left = Int(number % UInt64(count))
        for (place, peer) in peers.enumerated() {
            if left < peer.running.count { return (place, left) }
            left -= peer.running.count
        }
        return nil
    }
}
