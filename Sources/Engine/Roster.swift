import Primitives

/// Names in the order in which they came. Each is found, and taken out, without a search: a worker
/// has up to ``Limits/registrations`` of them, and loses all at once.
struct Roster<Name: Hashable> {
    private var places: [Name: UInt64] = [:]
    private var next: UInt64 = 0

    var count: Int { places.count }
    var isEmpty: Bool { places.isEmpty }

    /// All, in order.
    var names: [Name] { places.sorted { $0.value < $1.value }.map(\.key) }

    func contains(_ name: Name) -> Bool { places[name] != nil }

    /// Puts a name behind all others, unless it has a place.
    mutating func append(_ name: Name) {
        guard places[name] == nil else { return }
        places[name] = next
        next += 1
    }

    mutating func remove(_ name: Name) { places[name] = nil }
}
