package import Primitives

/// Which trigger a request is for.
///
/// A tree of path segments, which are compared byte by byte: literal segments before parameters,
/// each method with its own triggers. When workers register the same route again (replicas, a
/// reconnect), the last one serves it; when it goes, the one before does again.
///
/// Invariants:
/// * Every node but the root has triggers, or leads to one that has.
/// * `literals` has the paths of nodes with triggers, and no others.
package struct Router {
    /// The first one is the root.
    private var nodes = [Node(parent: 0, segment: nil)]
    /// Places in `nodes` that nothing leads to.
    private var free: [Int] = []
    /// The nodes that literal segments alone lead to, by the path with one slash in front: of most
    /// requests, whose paths need not be taken apart then.
    private var literals: [Name: Int] = [:]
    /// Where each trigger stands.
    private var places: [String: Int] = [:]

    private struct Node {
        let parent: Int
        /// What leads here from the parent; nil: a parameter, or this is the root.
        let segment: Name?
        var literals: [Name: Int] = [:]
        var parameter: Int?
        /// By method: the triggers of this path, the serving one last.
        var triggers: [String: [HTTPTrigger]] = [:]

        var isEmpty: Bool { triggers.isEmpty && literals.isEmpty && parameter == nil }
    }

    package enum Match: Equatable {
        case found(HTTPTrigger, parameters: [(name: String, value: String)])
        /// The path is known, with these methods.
        case methodNotAllowed([String])
        case notFound

        package static func == (left: Match, right: Match) -> Bool {
            switch (left, right) {
            case (.found(let one, let ones), .found(let other, let others)):
                one == other
                    && ones.elementsEqual(others) { $0.name == $1.name && $0.value == $1.value }
            case (.methodNotAllowed(let one), .methodNotAllowed(let other)): one == other
            case (.notFound, .notFound): true
            default: false
            }
        }
    }

    /// A route's path, in bytes.
    static let pathBytesMax = 8192
    /// Its segments: what is asked for is looked up by recursion.
    static let segmentsMax = 256

    package init() {}

    /// All triggers that could be asked for, serving or not.
    package var triggerCount: Int { places.count }

    /// For tests: how many nodes are in use, and how many paths are known without parameters.
    var size: (nodes: Int, literals: Int) { (nodes.count - free.count, literals.count) }

    /// - Throws: `trigger_registration_failed` where the path cannot be a route, or has the shape
    ///   of a route of the same method that names its parameters otherwise: nothing has changed.
    package mutating func add(_ trigger: HTTPTrigger) throws(ErrorBody) {
        guard trigger.path.utf8.count <= Self.pathBytesMax else {
            throw HTTPTrigger.refusal(
                "the path has \(trigger.path.utf8.count) bytes; a route has at most "
                    + "\(Self.pathBytesMax)"
            )
        }
        let segments = trigger.segments
        guard segments.count <= Self.segmentsMax else {
            throw HTTPTrigger.refusal(
                "the path has \(segments.count) segments; a route has at most "
                    + "\(Self.segmentsMax)"
            )
        }
        if segments.contains(where: { $0.utf8.first == UInt8(ascii: "*") }) {
            throw HTTPTrigger.refusal(
                "the path \"\(trigger.path)\" has a wildcard; use a parameter such as /:name"
            )
        }
        if segments.contains(where: { HTTPTrigger.parameter($0)?.isEmpty == true }) {
            throw HTTPTrigger.refusal(
                "the path \"\(trigger.path)\" has a parameter without a name; write /:name"
            )
        }
        guard trigger.isRoutable else { return remove(trigger.id) }
        if let serving = others(than: trigger).last,
            Self.parameters(serving.segments) != Self.parameters(segments)
        {
            throw HTTPTrigger.refusal(
                "\(trigger.method) \"\(trigger.path)\" conflicts with already-registered route "
                    + "\"\(serving.path)\": same shape, other parameter names"
            )
        }
        // First: it may take nodes with it that the new path needs.
        remove(trigger.id)
        var place = 0
        for segment in segments { place = child(of: place, segment) ?? grow(place, segment) }
        nodes[place].triggers[trigger.method, default: []].append(trigger)
        places[trigger.id] = place
        if let path = literalPath(of: place) { literals[path] = place }
    }

    package mutating func remove(_ id: String) {
        guard let place = places.removeValue(forKey: id) else { return }
        for (method, var triggers) in nodes[place].triggers {
            triggers.removeAll { $0.id == id }
            nodes[place].triggers[method] = triggers.isEmpty ? nil : triggers
        }
        guard nodes[place].triggers.isEmpty else { return }
        if let path = literalPath(of: place) { literals[path] = nil }
        prune(place)
    }

    /// Removes all triggers of the method and the path of `trigger`, however those name parameters.
    package mutating func removeAll(like trigger: HTTPTrigger) {
        for gone in triggers(like: trigger) { remove(gone.id) }
    }

    /// All triggers of the method and the path of `trigger`, however those name parameters.
    package func triggers(like trigger: HTTPTrigger) -> [HTTPTrigger] {
        place(of: trigger.segments).flatMap { nodes[$0].triggers[trigger.method] } ?? []
    }

    /// The triggers of the same route that are not this one's earlier self.
    private func others(than trigger: HTTPTrigger) -> [HTTPTrigger] {
        triggers(like: trigger).filter { $0.id != trigger.id }
    }

    /// The names of parameters, each at its place.
    private static func parameters(_ segments: [Substring]) -> [Name?] {
        segments.map { HTTPTrigger.parameter($0).map { Name(String($0)) } }
    }

    // MARK: The tree

    /// The node of a pattern; nil: there is none.
    private func place(of segments: [Substring]) -> Int? {
        var place = 0
        for segment in segments {
            guard let next = child(of: place, segment) else { return nil }
            place = next
        }
        return place
    }

    private func child(of place: Int, _ segment: Substring) -> Int? {
        HTTPTrigger.parameter(segment) == nil
            ? nodes[place].literals[Name(String(segment))] : nodes[place].parameter
    }

    /// Adds a child that is not there.
    private mutating func grow(_ parent: Int, _ segment: Substring) -> Int {
        let name = HTTPTrigger.parameter(segment) == nil ? Name(String(segment)) : nil
        let node = Node(parent: parent, segment: name)
        let place = free.popLast() ?? nodes.count
        if place < nodes.count { nodes[place] = node } else { nodes.append(node) }
        if let name {
            nodes[parent].literals[name] = place
        } else {
            nodes[parent].parameter = place
        }
        return place
    }

    /// Takes a node out that nothing needs any more, and those that only led to it.
    private mutating func prune(_ place: Int) {
        var place = place
        while place != 0, nodes[place].isEmpty {
            let (parent, segment) = (nodes[place].parent, nodes[place].segment)
            if let segment {
                nodes[parent].literals[segment] = nil
            } else {
                nodes[parent].parameter = nil
            }
            free.append(place)
            place = parent
        }
    }

    /// The path that leads to a node; nil: it has parameters.
    private func literalPath(of place: Int) -> Name? {
        var path = ""
        var place = place
        while place != 0 {
            guard let segment = nodes[place].segment else { return nil }
            path = "/\(segment.text)\(path)"
            place = nodes[place].parent
        }
        return Name(path)
    }

    // MARK: Requests

    /// The methods of a path, as `Allow` lists them; nil: there is no such path.
    package func methods(of path: String) -> [String]? {
        guard let segments = HTTPTrigger.segments(ofRequest: path) else { return nil }
        let own = methods(of: segments[...], from: 0)
        guard !own.isEmpty else { return nil }
        return (own.contains("GET") ? own.union(["HEAD"]) : own).sorted()
    }

    package func match(method: String, path: String) -> Match {
        // No other route can come before one of which all segments are as asked for.
        if let place = literals[Name(path)], let trigger = nodes[place].triggers[method]?.last {
            return .found(trigger, parameters: [])
        }
        guard let segments = HTTPTrigger.segments(ofRequest: path) else { return .notFound }
        guard let trigger = find(method, segments[...], from: 0) else {
            guard let methods = methods(of: path) else { return .notFound }
            // HEAD is not derived from GET (services 1, A.9), and a path with GET answers it with
            // 404: `Allow` would name it.
            return methods.contains(method) ? .notFound : .methodNotAllowed(methods)
        }
        let parameters = zip(trigger.segments, segments).compactMap { pattern, value in
            HTTPTrigger.parameter(pattern).map { (name: String($0), value: String(value)) }
        }
        return .found(trigger, parameters: parameters)
    }

    /// What serves a method of a request's path: literal segments come before parameters, from the
    /// left, as far as they lead to a route of that method.
    private func find(
        _ method: String,
        _ segments: ArraySlice<Substring>,
        from place: Int
    ) -> HTTPTrigger? {
        guard let segment = segments.first else { return nodes[place].triggers[method]?.last }
        if let literal = nodes[place].literals[Name(String(segment))],
            let found = find(method, segments.dropFirst(), from: literal)
        {
            return found
        }
        guard let parameter = nodes[place].parameter, !segment.isEmpty else { return nil }
        return find(method, segments.dropFirst(), from: parameter)
    }

    /// The methods of all routes that a request's path fits.
    private func methods(of segments: ArraySlice<Substring>, from place: Int) -> Set<String> {
        guard let segment = segments.first else { return Set(nodes[place].triggers.keys) }
        var all: Set<String> = []
        if let literal = nodes[place].literals[Name(String(segment))] {
            all = methods(of: segments.dropFirst(), from: literal)
        }
        if let parameter = nodes[place].parameter, !segment.isEmpty {
            all.formUnion(methods(of: segments.dropFirst(), from: parameter))
        }
        return all
    }
}
