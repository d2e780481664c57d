import Primitives

/// Names in the order in which they came. Each is found, and taken out, without a search: a worker
/// has up to ``Limits/registrations`` of them, and loses all at once.
struct OrderedNameSet<Name: Hashable> {
    private var places: [Name: UInt64] = [:]
    /// By place. Names that were taken out stay until they are more than the others.
    private var order: [(name: Name, place: UInt64)] = []
    private var next: UInt64 = 0

    var count: Int { places.count }
    var isEmpty: Bool { places.isEmpty }

    /// All, in order.
    var names: [Name] {
        guard order.count > places.count else { return order.map(\.name) }
        return order.filter { places[$0.name] == $0.place }.map(\.name)
    }

    func contains(_ name: Name) -> Bool { places[name] != nil }

    /// Puts a name behind all others, unless it has a place.
    mutating func append(_ name: Name) {
        guard places[name] == nil else { return }
        places[name] = next
        order.append((name, next))
        next += 1
    }

    mutating func remove(_ name: Name) {
        guard places.removeValue(forKey: name) != nil, order.count > 2 * places.count + 64 else {
            return
        }
        order.removeAll { places[$0.name] != $0.place }
    }
}
