import CommitLog
import Engine
import Primitives
import Testing

@Suite("Batches that wait for more")
struct BatchHoldTests {
    /// A log, and clients that have one record each under way.
    private final class Device {
        var hold = BatchHold()
        var now: UInt64 = 1
        var durable: UInt64 = 100
        var staged: UInt64 = 100

        /// - Returns: whether the batch that fills waits.
        func stage(_ count: UInt64, after time: UInt64 = 0, bytes: Int = 100) -> Bool {
            now += time
            staged += count
            return hold.keeps(staged: Offset(staged), bytes: bytes, now: now)
        }

        /// Makes everything but the last `left` records durable.
        func finish(leaving left: UInt64 = 0) {
            let before = Offset(durable)
            durable = staged - left
            hold.answered(from: before, to: Offset(durable))
        }

        /// A round of `count` clients of whom the last comes `time` nanoseconds after the first.
        ///
        /// - Returns: whether their batch waited until then.
        @discardableResult
        func round(of count: UInt64, within time: UInt64) -> Bool {
            let waited = stage(count / 2, after: 1000)
            _ = stage(count - count / 2, after: time)
            finish()
            return waited
        }
    }

    private let short: UInt64 = 100_000
    private let long = Limits.batchHold + 1

    /// One whose clients have come back together for long enough.
    private func device(of count: UInt64) -> Device {
        let device = Device()
        for _ in 0..<40 { device.round(of: count, within: short) }
        return device
    }

    @Test("it waits for a crowd that has come back together some times, until enough are here")
    func crowd() {
        let device = Device()
        let waits = (0..<20).map { _ in device.round(of: 64, within: short) }
        #expect(waits.prefix(8).allSatisfy { !$0 })
        #expect(waits.suffix(11).allSatisfy { $0 })
        #expect(device.stage(42))
        #expect(device.hold.rest(now: device.now) == Limits.batchHold + 1)
        #expect(!device.stage(1), "two in three are here")
        #expect(device.hold.rest(now: device.now) == nil)
    }

    @Test("those who wait already count")
    func waiting() {
        let device = device(of: 64)
        _ = device.stage(64)
        device.finish(leaving: 4)
        #expect(device.stage(35), "60 were answered, and 39 are here")
        #expect(!device.stage(1))
    }

    @Test("of two crowds that take turns neither waits for the other")
    func turns() {
        let device = device(of: 64)
        _ = device.stage(64)
        device.finish(leaving: 32)
        for _ in 0..<100 {
            #expect(!device.stage(0), "32 were answered, and 32 others are here")
            _ = device.stage(32, after: short)
            device.finish(leaving: 32)
        }
    }

    @Test("a record waits for others no longer than it may, counted from when it came")
    func bound() {
        let device = device(of: 64)
        #expect(device.stage(0, after: 100 * long), "nobody is here, so nobody waits")
        #expect(device.hold.rest(now: device.now) == nil)
        #expect(device.stage(1))
        #expect(device.stage(1, after: Limits.batchHold))
        #expect(device.hold.rest(now: device.now) == 1)
        #expect(!device.stage(0, after: 1))
    }

    @Test("a client that is alone waits for nobody, also after a crowd")
    func alone() {
        let device = device(of: 64)
        _ = device.stage(1)
        #expect(!device.stage(0, after: long), "once, for the crowd that has gone")
        device.finish()
        for _ in 0..<100 {
            #expect(!device.stage(1, after: short))
            device.finish()
        }
    }

    @Test("where crowds do not come back in time it ends, and a late one now and then is no matter")
    func late() {
        let device = device(of: 64)
        for _ in 0..<50 {
            for _ in 0..<15 { #expect(device.round(of: 64, within: short)) }
            device.round(of: 64, within: long)
        }
        var waits = 0
        for _ in 0..<100 where device.round(of: 64, within: long) { waits += 1 }
        #expect(waits <= 2)
        for _ in 0..<Limits.lateCrowds { #expect(!device.round(of: 64, within: short)) }
        #expect(device.round(of: 64, within: short), "it is tried again")
    }

    @Test("crowds of which fewer come back than there were are waited for in vain twice, no more")
    func fewer() {
        let device = Device()
        var waits = 0
        for _ in 0..<100 {
            _ = device.stage(128, after: short)
            device.finish()
            // Half as many, and the next only once these have been answered.
            if device.stage(64, after: short) {
                waits += 1
                _ = device.stage(0, after: long)
            }
            device.finish()
        }
        #expect(waits <= 2)
    }

    @Test("where few come at a time nobody waits")
    func few() {
        let device = Device()
        for _ in 0..<100 {
            #expect(!device.round(of: Limits.heldCrowd - 1, within: short))
        }
    }

    @Test("a batch that is large goes without the rest of its crowd")
    func large() {
        var device = device(of: 1000)
        #expect(device.stage(Limits.heldRecords - 1))
        #expect(!device.stage(1), "so many are enough")
        device = self.device(of: 64)
        #expect(device.stage(1, bytes: Limits.heldBytes - 1))
        #expect(!device.stage(1, bytes: Limits.heldBytes))
    }
}
