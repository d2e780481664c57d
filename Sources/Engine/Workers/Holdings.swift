import Primitives

/// What the functions, triggers and trigger types of a worker hold in memory, in bytes, roughly.
///
/// Invariant: `bytes` is the sum of the sizes.
struct Holdings {
    enum Key: Hashable {
        case function(FunctionName)
        case trigger(String)
        case type(TriggerTypeName)
    }

    private var sizes: [Key: Int] = [:]
    private(set) var bytes = 0

    /// What one of them holds; 0: it is not there.
    subscript(_ key: Key) -> Int {
        get { sizes[key] ?? 0 }
        set {
            bytes += newValue - self[key]
            sizes[key] = newValue == 0 ? nil : newValue
        }
    }
}
