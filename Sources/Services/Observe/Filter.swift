package import JSON
import Primitives

/// Which events reach an observer: a JSON object of conditions that all have to hold (protocol
/// 12.8).
///
///     {"input.amount": {"$gte": 500}, "$not": {"caller.worker_name": {"$eq": "test"}}}
///
/// Everything that can be wrong with it is found when it is read. What it says about an event is
/// true or false: a value that is not there, or of another type, is no error.
///
/// Invariants:
/// * At most ``FilterLimits/depth`` levels, so that evaluation may recurse.
package struct Filter: Sendable {
    /// As it was written.
    package let text: JSONText
    /// The parts of an event that it looks at.
    package let roots: Set<FilterRoot>
    let clauses: [Clause]

    init(text: JSONText, roots: Set<FilterRoot>, clauses: [Clause]) {
        self.text = text
        self.roots = roots
        self.clauses = clauses
    }

    /// `{}`: every event.
    package static let all = Filter(text: .emptyObject, roots: [], clauses: [])
}

extension Filter: Equatable {
    package static func == (left: Filter, right: Filter) -> Bool { left.text == right.text }
}

/// What a path may start with.
package enum FilterRoot: String, CaseIterable, Sendable {
    case input, output, error, caller, metadata
}

/// How large a filter may be.
package enum FilterLimits {
    /// Levels of filters; the outermost is the first, and each `$or`, `$not` and `$any` adds one.
    package static let depth = 8
    /// Operators, `$or` and `$not`.
    package static let nodes = 64
    /// Values of one `$in` or `$nin`.
    package static let setItems = 256
    /// Segments of a path behind its root.
    package static let pathSegments = 16
    /// The filter as it was written, in bytes.
    package static let bytes = 8192
    /// Levels of arrays and objects in one literal.
    package static let literalDepth = 32
    /// Levels of arrays and objects in all.
    package static let jsonDepth = 120
    /// The largest magnitude of a number: every implementation reads those alike.
    package static let number = 9_007_199_254_740_992.0
}

/// One condition of a filter.
indirect enum Clause: Sendable {
    /// All operators hold for the value at the path.
    case path(FilterPath, [Operator])
    /// All clauses of one of the filters hold.
    case or([[Clause]])
    /// Not all of the clauses hold.
    case not([Clause])
}

/// What has to be true of a value, which may be absent.
indirect enum Operator: Sendable {
    case equal(JSONValue, isNegated: Bool)
    case among([JSONValue], isNegated: Bool)
    case order(Order, than: Bound)
    case exists(Bool)
    case prefix(String)
    /// An element of the array passes.
    case any(ElementTest)

    enum Order: String, CaseIterable, Sendable {
        case greater = "$gt"
        case greaterOrEqual = "$gte"
        case less = "$lt"
        case lessOrEqual = "$lte"
    }

    enum Bound: Sendable {
        case number(Double)
        case string(String)
    }

    enum ElementTest: Sendable {
        case operators([Operator])
        /// Paths begin at the element.
        case filter([Clause])
    }
}
