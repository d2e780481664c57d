import JSON
import Primitives

/// Where a filter looks: a part of the event, or the element that `$any` is at, and the steps down
/// from there.
struct FilterPath: Sendable {
    /// Nil: the element.
    let root: FilterRoot?
    let segments: [Segment]

    struct Segment: Sendable {
        /// The member of an object.
        let name: String
        /// The element of an array; nil where the segment is no number in its only form.
        let index: Int?
    }

    /// Reads `root.segment.segment`; `\.` and `\\` stand for the characters themselves.
    ///
    /// - Parameters:
    ///   - text: the path as it was written.
    ///   - isInElement: whether paths begin at `@`, the element, and at nothing else.
    /// - Throws: `INVALID_FILTER`.
    init(_ text: String, isInElement: Bool) throws(ErrorBody) {
        var names = try Self.names(text)
        let first = names.removeFirst()
        root = FilterRoot(rawValue: first)
        switch (root, isInElement) {
        case (_?, false): break
        case (nil, true) where first == "@": break
        case (_, true):
            throw .invalidFilter("path \"\(text)\": inside $any a path starts at @, the element")
        case (nil, false) where first == "@":
            throw .invalidFilter("path \"\(text)\": @ is the element of $any, and nothing outside")
        case (nil, false):
            let known = FilterRoot.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalidFilter("path \"\(text)\" starts at \"\(first)\"; it can at \(known)")
        }
        guard names.count <= FilterLimits.pathSegments else {
            throw .invalidFilter(
                "path \"\(text)\" has \(names.count) segments; at most "
                    + "\(FilterLimits.pathSegments) are read"
            )
        }
        segments = names.map { Segment(name: $0, index: Self.index($0)) }
    }

    private static func names(_ text: String) throws(ErrorBody) -> [String] {
        var names: [String] = []
        var name = String.UnicodeScalarView()
        var isEscaped = false
        for scalar in text.unicodeScalars {
            if isEscaped {
                guard scalar == "." || scalar == "\\" else {
                    throw .invalidFilter(
                        "path \"\(text)\": \"\\\(scalar)\" means nothing; \"\\.\" and \"\\\\\" do"
                    )
                }
                name.append(scalar)
                isEscaped = false
            } else if scalar == "\\" {
                isEscaped = true
            } else if scalar == "." {
                guard !name.isEmpty else { throw emptySegment(text) }
                names.append(String(name))
                name.removeAll()
            } else {
                name.append(scalar)
            }
        }
        guard !isEscaped else {
            throw .invalidFilter("path \"\(text)\" ends in a backslash that escapes nothing")
        }
        guard !name.isEmpty else { throw emptySegment(text) }
        names.append(String(name))
        return names
    }

    private static func emptySegment(_ text: String) -> ErrorBody {
        .invalidFilter("path \"\(text)\" has an empty segment")
    }

    /// The number that a segment spells: `0`, `12`, not `00`.
    private static func index(_ name: String) -> Int? {
        guard name == "0" || !name.hasPrefix("0") else { return nil }
        return Int(plainDigits: name)
    }

    // MARK: Finding

    /// The value at the path below `start`; nil: there is none.
    func find(from start: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8>? {
        var value = start
        for segment in segments {
            guard let next = Self.step(into: value, segment) else { return nil }
            value = next
        }
        return value
    }

    private static func step(
        into value: UnsafeBufferPointer<UInt8>,
        _ segment: Segment
    ) -> UnsafeBufferPointer<UInt8>? {
        var scanner = JSONScanner(unbounded: value)
        let found: JSONSlice?
        do throws(JSONError) {
            switch scanner.peek() {
            case .object: found = try member(segment.name, &scanner)
            case .array:
                guard let index = segment.index else { return nil }
                found = try element(index, &scanner)
            default: found = nil
            }
        } catch {
            return nil
        }
        return found.map { UnsafeBufferPointer(rebasing: value[$0.range]) }
    }

    /// The last member of that name, as everywhere.
    private static func member(
        _ name: String,
        _ scanner: inout JSONScanner
    ) throws(JSONError) -> JSONSlice? {
        var last: JSONSlice?
        try scanner.beginObject()
        while let key = try scanner.nextMember() {
            let isIt = scanner.matches(key, dynamic: name)
            let slice = try scanner.skipValue()
            if isIt { last = slice }
        }
        return last
    }

    private static func element(
        _ index: Int,
        _ scanner: inout JSONScanner
    ) throws(JSONError) -> JSONSlice? {
        var count = 0
        try scanner.beginArray()
        while try scanner.nextElement() {
            let slice = try scanner.skipValue()
            if count == index { return slice }
            count += 1
        }
        return nil
    }
}

extension ErrorBody {
    static func invalidFilter(_ message: String) -> ErrorBody {
        ErrorBody(code: "INVALID_FILTER", message: message)
    }
}
