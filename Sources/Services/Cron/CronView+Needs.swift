package import Events
package import Primitives

extension CronView {
    /// Whether the record of `event` at `offset` has to be kept so that folding what is kept tells
    /// the same: which runs have not ended, the last slot of each schedule, and what was said of
    /// it.
    package func needs(_ event: CronEvent, at offset: Offset) -> Bool {
        switch event {
        case .fired(let fired):
            open[offset] != nil || lastFired[Schedule(fired)] == fired.scheduled
                || corrects(fired, at: offset)
        case .skipped(let skipped):
            skipped.schedule.map { lastFired[Schedule($0)] == skipped.scheduled } ?? false
        case .watched(let mark): watched[Schedule(mark)]?.offset == offset
        case .forgotten: false
        case .paused(let mark): paused[Schedule(mark)] == offset
        case .resumed(let mark): lastFired[Schedule(mark)] == mark.at
        }
    }

    /// Whether the record at `offset` tells that what fired before, and is kept since its run goes
    /// on, fired by a clock that was wrong.
    private func corrects(_ fired: CronFired, at offset: Offset) -> Bool {
        open.contains { older in
            older.key < offset && older.value.scheduled > fired.actual
                && Schedule(older.value) == Schedule(fired)
        }
    }
}
