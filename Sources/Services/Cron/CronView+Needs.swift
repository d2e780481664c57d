package import Events
package import Primitives

extension CronView {
    /// Whether the record of `event` at `offset` has to be kept so that folding what is kept tells
    /// the same: which runs have not ended, and the last slot of each schedule.
    package func needs(_ event: CronEvent, at offset: Offset) -> Bool {
        switch event {
        case .fired(let fired):
            open[offset] != nil
                || lastFired[Schedule(function: fired.function, expression: fired.expression)]
                    == fired.scheduled
        case .skipped: false
        }
    }
}
