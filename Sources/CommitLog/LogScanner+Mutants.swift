import Disk
import Primitives
import RecordFormat

extension LogScanner where Source: ~Copyable {
    /// What is done about what stands at `place`: the decision itself, unless a bug is planted that
    /// changes it.
    @inline(__always)
    mutating func planted(
        _ decision: TailCase.Decision,
        _ batch: BatchHeader?,
        _ place: Place,
        _ source: inout Source
    ) throws(LogError) -> TailCase.Decision {
        #if MUTANTS
        guard case .damage = decision else {
            let isHalf = decision == .cut && batch != nil && Mutant.is(.halfBatch)
            return isHalf ? .accept : decision
        }
        if Mutant.is(.truncateAtFirstBad) { return .cut }
        guard Mutant.is(.tailAlwaysTorn), place.isLast else { return decision }
        let behind = place.position + (batch?.extent ?? Layout.page)
        return try survey(place, from: behind, &source).next == nil ? .cut : decision
        #else
        return decision
        #endif
    }
}
