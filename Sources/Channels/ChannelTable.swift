package import NIOCore
package import Primitives

/// The channels that workers made and one event loop keeps. Confined to that loop.
package final class ChannelTable {
    private struct Entry {
        let channel: DataChannel
        let key: UUID128
        let made: NIODeadline
    }

    /// How long a channel waits for both of its ends (protocol 7).
    static let patience = TimeAmount.minutes(5)
    static let sweepInterval = TimeAmount.minutes(1)

    private let loop: any EventLoop
    private let ended: (ChannelID) -> Void
    private var entries: [ChannelID: Entry] = [:]
    private var isSweepScheduled = false

    /// `ended` is called once for each channel that was opened, when it is over.
    package init(loop: any EventLoop, ended: @escaping (ChannelID) -> Void = { _ in }) {
        self.loop = loop
        self.ended = ended
    }

    package var count: Int { entries.count }

    package func open(_ id: ChannelID, key: UUID128, bounds: ChannelBounds) {
        loop.assertInEventLoop()
        let channel = DataChannel(bounds: bounds)
        // It lives for as long as it is in the table, or an end still holds it.
        channel.onOver = { [weak self] in
            self?.entries[id] = nil
            self?.ended(id)
        }
        entries[id] = Entry(channel: channel, key: key, made: loop.now)
        scheduleSweep()
    }

    /// - Returns: nil: there is none, or this is not its key.
    package func find(_ id: ChannelID, key: UUID128) -> DataChannel? {
        loop.assertInEventLoop()
        guard let entry = entries[id], entry.key.isSecretly(key) else { return nil }
        return entry.channel
    }

    private func scheduleSweep() {
        guard !isSweepScheduled, !entries.isEmpty else { return }
        isSweepScheduled = true
        loop.assumeIsolated().scheduleTask(in: Self.sweepInterval) { [weak self] in
            self?.sweep()
        }
    }

    private func sweep() {
        isSweepScheduled = false
        let now = loop.now
        let late = entries.values.filter {
            $0.made + Self.patience <= now && !$0.channel.isFullyAttached
        }
        for entry in late { entry.channel.expire() }
        scheduleSweep()
    }
}
