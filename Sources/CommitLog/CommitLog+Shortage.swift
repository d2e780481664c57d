package import Disk
import RecordFormat

// A full disk: the next segment cannot be made, and the rest of the active one has to last. So it
// is where a process has run out of descriptors or threads.

extension CommitLog where Store: ~Copyable {
    /// Whether the next segment cannot be made for lack of room, or of descriptors, threads or
    /// memory; turns false by itself when there is some.
    package var isDiskFull: Bool { obstacle?.isRetryable ?? false }

    /// Why nothing more can be handed to the device: the next segment is needed, and the last
    /// attempt to make it that has ended since then failed. Nil where nothing is in the way; turns
    /// nil by itself.
    package var standstill: StorageError? {
        if case .awaitingSegment(let refused) = step { refused } else { nil }
    }

    /// Whether, the disk being full, what is left of the active segment is to be kept for what
    /// brings work to an end: take no new work while it is.
    package var isInReserve: Bool { cutsReserve(by: 0) }

    /// Whether so many bytes more would cut into what is kept.
    package func cutsReserve(by bytes: Int) -> Bool {
        let left = active.remaining - filling.extent - bytes
        return isDiskFull && left < options.reserveBytes(of: active.header)
    }
}
