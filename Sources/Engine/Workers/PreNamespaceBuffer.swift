import Primitives

/// What a worker sent before its namespace was known: its registrations, and its calls of functions
/// that are among them. An SDK that was cut off sends both again before it says who it is.
struct PreNamespaceBuffer {
    var registrations = RegistrationQueue()
    private(set) var calls: [Call] = []
    private var callBytes = 0
    private var functions: Set<String> = []

    /// - Returns: false: there is no room for it.
    mutating func append(_ registration: Registration) -> Bool {
        guard registrations.append(registration) else { return false }
        if case .function(let id, _, _) = registration { functions.insert(id) }
        return true
    }

    /// Whether a function of this id is among the registrations.
    func registers(_ function: String) -> Bool { functions.contains(function) }

    /// - Returns: false: there is no room for it.
    mutating func append(_ call: Call) -> Bool {
        guard calls.count < Limits.preNamespaceCalls,
            callBytes + call.payload.count <= Limits.preNamespaceCallBytes
        else { return false }
        calls.append(call)
        callBytes += call.payload.count
        return true
    }
}
