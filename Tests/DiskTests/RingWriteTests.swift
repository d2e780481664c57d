import Glibc
import Testing

@testable import Disk

@Suite("A write and the sync that is linked to it")
struct RingWriteTests {
    private func write(isLinked: Bool) -> RingWrite {
        RingWrite(ticket: 7, length: 4096, path: "seg", isLinked: isLinked, submitted: 0)
    }

    private let done = Completion(ticket: 7, failure: nil)

    @Test("ends when both were reported, and well where both went well")
    func ends() {
        var linked = write(isLinked: true)
        #expect(linked.written(4096) == nil)
        #expect(linked.synced(0) == done)
        var failed = write(isLinked: true)
        #expect(failed.written(4096) == nil)
        #expect(failed.synced(-EIO)?.failure == .system("fdatasync", path: "seg", code: EIO))
        var cut = write(isLinked: true)
        #expect(cut.written(512) == nil)
        let short = StorageError.shortWrite(path: "seg", expected: 4096, written: 512)
        #expect(cut.synced(-ECANCELED)?.failure == short)
        var single = write(isLinked: false)
        #expect(single.written(4096) == done)
    }

    @Test("a sync that the kernel took by itself does not make it durable")
    func split() {
        var late = write(isLinked: true)
        late.loseLink()
        #expect(late.written(4096) == nil)
        #expect(late.synced(0)?.failure == .system("submit", path: "seg", code: ENOMEM))
        var early = write(isLinked: true)
        early.loseLink()
        #expect(early.synced(0) == nil, "its memory is the kernel's until it is reported")
        #expect(early.written(4096)?.failure == .system("submit", path: "seg", code: ENOMEM))
        // Whatever it was that let it begin too early.
        var strange = write(isLinked: true)
        #expect(strange.synced(0) == nil)
        #expect(strange.written(4096)?.failure != nil)
    }

    /// - Returns: nil: it is not over.
    private func isSplit(_ steps: (taken: Int32, left: UInt32)...) -> Bool? {
        var handover = Ring.Handover()
        for step in steps { handover.took(step.taken, left: step.left) }
        return handover.isOver ? handover.isSplit : nil
    }

    @Test("the last of what is handed over is by itself where all before it was taken")
    func handover() {
        #expect(isSplit((2, 0)) == false)
        #expect(isSplit((1, 1)) == nil, "the rest is handed over, too")
        #expect(isSplit((1, 1), (1, 0)) == true)
        #expect(isSplit((2, 1), (-EAGAIN, 1), (1, 0)) == true)
        // Of three the first went ahead, and is no part of the pair.
        #expect(isSplit((1, 2), (2, 0)) == false)
        #expect(isSplit((-EAGAIN, 2), (2, 0)) == false)
        #expect(isSplit((-EINTR, 1), (1, 0)) == false)
    }
}
