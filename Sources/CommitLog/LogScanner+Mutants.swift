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
        _ source: inout Source,
        _ visit: Visit
    ) throws(LogError) -> TailCase.Decision {
        #if MUTANTS
        guard case .damage = decision else {
            guard decision == .cut, let batch, Mutant.is(.halfBatch) else { return decision }
            let known = found.damages
            let whole = try bytes(place, at: place.position, count: batch.extent, &source)
            try handOver(batch, batch.storedBody(in: whole), place, visit, .missingSectors)
            found.damages = known
            return decision
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
