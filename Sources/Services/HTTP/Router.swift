package import Primitives

/// Which trigger a request is for.
///
/// A tree of path segments: literal segments before parameters, each method with its own triggers.
/// When workers register the same route again (replicas, a reconnect), the last one serves it; when
/// it goes, the one before does again.
package struct Router {
    private var nodes = [Node()]
    /// The nodes that literal segments alone lead to, by the path with one slash in front: of most
    /// requests, whose paths need not be taken apart then.
    private var literals: [String: Int] = [:]
    /// Where each trigger stands.
    private var places: [String: Int] = [:]

    private struct Node {
        var literals: [String: Int] = [:]
        var parameter: Int?
        /// By method: the triggers of this path, the serving one last.
        var triggers: [String: [HTTPTrigger]] = [:]
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

    package init() {}

    /// All triggers that could be asked for, serving or not.
    package var triggerCount: Int { places.count }

    /// - Throws: `trigger_registration_failed` where the path cannot be a route, or has the shape
    ///   of a route of the same method that names its parameters otherwise: nothing has changed.
    package mutating func add(_ trigger: HTTPTrigger) throws(ErrorBody) {
        let segments = trigger.segments
        if segments.contains(where: { $0.hasPrefix("*") }) {
            throw HTTPTrigger.refusal(
                "the path \"\(trigger.path)\" has a wildcard; use a parameter such as /:name"
            )
        }
        guard trigger.isRoutable else { return remove(trigger.id) }
        let place = place(of: segments)
        if !segments.contains(where: { HTTPTrigger.parameter($0) != nil }) {
            literals["/" + segments.joined(separator: "/")] = place
        }
        let others = nodes[place].triggers[trigger.method]?.filter { $0.id != trigger.id }
        if let serving = others?.last,
            serving.segments.map(HTTPTrigger.parameter) != segments.map(HTTPTrigger.parameter)
        {
            throw HTTPTrigger.refusal(
                "\(trigger.method) \"\(trigger.path)\" conflicts with already-registered route "
                    + "\"\(serving.path)\": same shape, other parameter names"
            )
        }
        remove(trigger.id)
        nodes[place].triggers[trigger.method, default: []].append(trigger)
        places[trigger.id] = place
    }

    package mutating func remove(_ id: String) {
        guard let place = places.removeValue(forKey: id) else { return }
        for (method, var triggers) in nodes[place].triggers {
            triggers.removeAll { $0.id == id }
            nodes[place].triggers[method] = triggers.isEmpty ? nil : triggers
        }
    }

    /// Removes all triggers of the method and the path of `trigger`, however those name parameters.
    package mutating func removeAll(like trigger: HTTPTrigger) {
        guard let place = knownPlace(of: trigger.segments) else { return }
        for gone in nodes[place].triggers.removeValue(forKey: trigger.method) ?? [] {
            places[gone.id] = nil
        }
    }

    /// The methods of a path, as `Allow` lists them; nil: there is no such path.
    package func methods(of path: String) -> [String]? {
        find(HTTPTrigger.segments(of: path)[...], from: 0).map { methods(at: $0) }
    }

    private func methods(at place: Int) -> [String] {
        nodes[place].triggers.keys.sorted().flatMap { $0 == "GET" ? ["GET", "HEAD"] : [$0] }
    }

    package func match(method: String, path: String) -> Match {
        // No other route can come before one of which all segments are as asked for.
        if let place = literals[path], let trigger = nodes[place].triggers[method]?.last {
            return .found(trigger, parameters: [])
        }
        let segments = HTTPTrigger.segments(of: path)
        guard let place = find(segments[...], from: 0) else { return .notFound }
        guard let trigger = nodes[place].triggers[method]?.last else {
            // HEAD is not derived from GET (services 1, A.9), and such a path answers it with 404.
            if method == "HEAD" { return .notFound }
            return .methodNotAllowed(methods(at: place))
        }
        let parameters = zip(trigger.segments, segments).compactMap { pattern, value in
            HTTPTrigger.parameter(pattern).map { (name: String($0), value: String(value)) }
        }
        return .found(trigger, parameters: parameters)
    }

    private mutating func place(of segments: [Substring]) -> Int {
        var place = 0
        for segment in segments {
            if HTTPTrigger.parameter(segment) != nil {
                if nodes[place].parameter == nil {
                    nodes[place].parameter = nodes.count
                    nodes.append(Node())
                }
                place = nodes[place].parameter ?? place
            } else {
                let literal = String(segment)
                if nodes[place].literals[literal] == nil {
                    nodes[place].literals[literal] = nodes.count
                    nodes.append(Node())
                }
                place = nodes[place].literals[literal] ?? place
            }
        }
        return place
    }

    /// The node of a pattern; nil: nothing was ever added there.
    private func knownPlace(of segments: [Substring]) -> Int? {
        var place = 0
        for segment in segments {
            let next =
                HTTPTrigger.parameter(segment) == nil
                ? nodes[place].literals[String(segment)] : nodes[place].parameter
            guard let next else { return nil }
            place = next
        }
        return place
    }

    /// The node of a request's path that has any trigger, literal segments tried first.
    private func find(_ segments: ArraySlice<Substring>, from place: Int) -> Int? {
        guard let segment = segments.first else {
            return nodes[place].triggers.isEmpty ? nil : place
        }
        if let literal = nodes[place].literals[String(segment)],
            let found = find(segments.dropFirst(), from: literal)
        {
            return found
        }
        guard let parameter = nodes[place].parameter, !segment.isEmpty else { return nil }
        return find(segments.dropFirst(), from: parameter)
    }
}
