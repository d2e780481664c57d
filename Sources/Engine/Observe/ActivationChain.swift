import Primitives

/// What one event has led to by way of observers of what observers do. Their depth is bounded, but
/// each may have others below it: together they get so many activations, and no more.
final class ActivationChain {
    let trace: TraceID
    private(set) var activations = 0
    /// Activations that were left out.
    private(set) var missed = 0

    init(_ trace: TraceID) { self.trace = trace }

    /// Counts one more, if there may be one.
    func extend() -> Bool {
        guard activations < Limits.chainedActivations else {
            missed += 1
            return false
        }
        activations += 1
        return true
    }
}
