package import JSON

extension Filter {
    /// What a filter is asked about. A part that is nil is absent, which is not null.
    package struct Document: Sendable {
        package var input: JSONText?
        package var output: JSONText?
        package var error: JSONText?
        package var caller: JSONText?
        package var metadata: JSONText?

        package init(
            input: JSONText? = nil,
            output: JSONText? = nil,
            error: JSONText? = nil,
            caller: JSONText? = nil,
            metadata: JSONText? = nil
        ) {
            self.input = input
            self.output = output
            self.error = error
            self.caller = caller
            self.metadata = metadata
        }

        package subscript(_ root: FilterRoot) -> JSONText? {
            switch root {
            case .input: input
            case .output: output
            case .error: error
            case .caller: caller
            case .metadata: metadata
            }
        }
    }

    /// Whether all of its conditions hold. Values are looked at where they stand: what no path
    /// leads to is stepped over.
    package func matches(_ document: Document) -> Bool {
        clauses.allSatisfy { $0.holds(in: .document(document)) }
    }
}

/// A value where it stands.
private typealias Place = UnsafeBufferPointer<UInt8>

/// Where the paths of a filter begin.
private enum Scope {
    case document(Filter.Document)
    case element(Place)
}

extension Clause {
    fileprivate func holds(in scope: Scope) -> Bool {
        switch self {
        case .or(let choices):
            choices.contains { $0.allSatisfy { $0.holds(in: scope) } }
        case .not(let clauses):
            !clauses.allSatisfy { $0.holds(in: scope) }
        case .path(let path, let operators):
            path.withValue(in: scope) { value in operators.allSatisfy { $0.holds(for: value) } }
        }
    }
}

extension FilterPath {
    fileprivate func withValue(in scope: Scope, _ body: (Place?) -> Bool) -> Bool {
        switch scope {
        case .element(let element): return body(find(from: element))
        case .document(let document):
            guard let text = root.flatMap({ document[$0] }) else { return body(nil) }
            return text.bytes.withUnsafeBufferPointer { body(find(from: $0)) }
        }
    }
}

extension Operator {
    fileprivate func holds(for place: Place?) -> Bool {
        switch self {
        case .exists(let isExpected): return (place != nil) == isExpected
        case .equal(let literal, let isNegated):
            return (place.map { $0.isOne(of: [literal]) } ?? false) != isNegated
        case .among(let literals, let isNegated):
            return (place.map { $0.isOne(of: literals) } ?? false) != isNegated
        case .order(let order, let bound):
            return place.map { order.holds(for: $0, bound) } ?? false
        case .prefix(let prefix):
            guard case .string(let text)? = place?.value(of: .string) else { return false }
            return text.utf8.starts(with: prefix.utf8)
        case .any(let test): return place.map { test.passes(in: $0) } ?? false
        }
    }
}

extension Operator.Order {
    /// Strings are compared by code point, which is the order of their UTF-8.
    fileprivate func holds(for place: Place, _ bound: Operator.Bound) -> Bool {
        switch bound {
        case .number(let bound):
            guard case .number(let number)? = place.value(of: .number),
                let double = number.doubleValue
            else { return false }
            return holds(isLess: double < bound, isGreater: double > bound)
        case .string(let bound):
            guard case .string(let text)? = place.value(of: .string) else { return false }
            return holds(
                isLess: text.utf8.lexicographicallyPrecedes(bound.utf8),
                isGreater: bound.utf8.lexicographicallyPrecedes(text.utf8)
            )
        }
    }

    private func holds(isLess: Bool, isGreater: Bool) -> Bool {
        switch self {
        case .greater: isGreater
        case .greaterOrEqual: !isLess
        case .less: isLess
        case .lessOrEqual: !isGreater
        }
    }
}

extension Operator.ElementTest {
    /// Whether an element of the array at `place` passes; false where that is no array.
    fileprivate func passes(in place: Place) -> Bool {
        var scanner = JSONScanner(unbounded: place)
        guard scanner.peek() == .array else { return false }
        do throws(JSONError) {
            try scanner.beginArray()
            while try scanner.nextElement() {
                let slice = try scanner.skipValue()
                if passes(element: Place(rebasing: place[slice.range])) { return true }
            }
        } catch {
            return false
        }
        return false
    }

    private func passes(element: Place) -> Bool {
        switch self {
        case .operators(let operators): operators.allSatisfy { $0.holds(for: element) }
        case .filter(let clauses): clauses.allSatisfy { $0.holds(in: .element(element)) }
        }
    }
}

extension Place {
    /// The value, parsed, if it is of that kind.
    fileprivate func value(of kind: JSONKind) -> JSONValue? {
        var scanner = JSONScanner(unbounded: self)
        guard scanner.peek() == kind else { return nil }
        do throws(JSONError) { return try scanner.value() } catch { return nil }
    }

    /// Whether the value is the same JSON as one of these. A number that no double holds is taken
    /// for null, as by those who cannot read it at all.
    fileprivate func isOne(of literals: [JSONValue]) -> Bool {
        var scanner = JSONScanner(unbounded: self)
        let kind = scanner.peek()
        let mayBe = literals.contains { $0.kind == kind || $0.kind == .null && kind == .number }
        // Read once, and only where it may be one: it may be as large as a message.
        guard mayBe, let kind, let value = value(of: kind) else { return false }
        return literals.contains { value.isSame(as: $0) }
    }
}

extension JSONValue {
    /// Equality of filters: numbers as doubles, strings by their bytes, members in any order.
    /// `literal` is nested in a few levels only, so this may recurse.
    fileprivate func isSame(as literal: JSONValue) -> Bool {
        switch (self, literal) {
        case (.null, .null): true
        case (.number(let number), .null): number.doubleValue == nil
        case (.bool(let value), .bool(let other)): value == other
        case (.number(let value), .number(let other)):
            value.doubleValue != nil && value.doubleValue == other.doubleValue
        case (.string(let value), .string(let other)): value.utf8.elementsEqual(other.utf8)
        case (.array(let value), .array(let other)):
            value.count == other.count && zip(value, other).allSatisfy { $0.isSame(as: $1) }
        case (.object(let value), .object(let other)):
            value.count == other.count
                && other.members.allSatisfy { member in
                    value[member.name].map { $0.isSame(as: member.value) } ?? false
                }
        default: false
        }
    }
}
