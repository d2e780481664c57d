import Primitives

/// The channels that workers made and that are not over: how many each connection has, and how much
/// its buffers may hold.
struct ChannelLedger {
    private struct Entry {
        let owner: ConnectionID
        let bytes: Int
    }

    private struct Usage {
        var channels = 0
        var bytes = 0
    }

    private var entries: [ChannelID: Entry] = [:]
    private var usage: [ConnectionID: Usage] = [:]

    /// How many bytes the next channel of a connection may hold: less and less, the more it has, so
    /// that together they hold no more than they may.
    ///
    /// - Throws: `TOO_MANY_CHANNELS`.
    func decideOpen(for owner: ConnectionID) throws(ErrorBody) -> Int {
        let usage = usage[owner] ?? Usage()
        guard usage.channels < Limits.channelsOfWorker else {
            throw Self.refusal("this connection has made \(usage.channels) channels")
        }
        guard entries.count < Limits.channels else {
            throw Self.refusal("there are \(entries.count) channels")
        }
        let rest = max(0, Limits.channelBytesOfWorker - usage.bytes)
        return min(Limits.channelBytes, max(Limits.channelBytesMin, rest / 64))
    }

    private static func refusal(_ what: String) -> ErrorBody {
        ErrorBody(
            code: "TOO_MANY_CHANNELS",
            message: "\(what) that are not over, and more are not made: a channel is over when its "
                + "reader has ended, or five minutes after it was made where an end is missing"
        )
    }

    mutating func open(_ id: ChannelID, for owner: ConnectionID, bytes: Int) {
        precondition(entries.updateValue(Entry(owner: owner, bytes: bytes), forKey: id) == nil)
        usage[owner, default: Usage()].channels += 1
        usage[owner, default: Usage()].bytes += bytes
    }

    /// A channel is over; one that is not known never was.
    mutating func close(_ id: ChannelID) {
        guard let entry = entries.removeValue(forKey: id), var left = usage[entry.owner] else {
            return
        }
        left.channels -= 1
        left.bytes -= entry.bytes
        usage[entry.owner] = left.channels > 0 ? left : nil
    }
}
