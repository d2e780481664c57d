import JSON
import Primitives

/// Hides what lies at given paths within the fields of events.
///
/// A path is a field's name and keys or indexes below it, with points between them; `*` is any of
/// these: `payload.card.number`, `*.password`. A key that has points itself is written as it is:
/// `attributes.user.email` leads to `email` below `user`, and to `user.email`. What should be JSON
/// and is none cannot be looked into: where a path leads into it, all of it is hidden.
package struct Redaction: Sendable {
    private struct Path {
        let text: String
        let steps: [String]
    }

    /// What is left of a path below some value.
    private struct Trail {
        /// Its place among the paths.
        let path: Int
        let rest: ArraySlice<String>
    }

    private var paths: [Path] = []
    private var met: Set<Int> = []

    /// What stands in the place of what is hidden.
    package static let mark = "[REDACTED]"

    /// - Parameter lists: paths, with commas between them.
    /// - Throws: ``ToolError`` for what is no path, and for a field that no event ever has: who
    ///   misspells it would think that it is hidden.
    package init(_ lists: [String]) throws(ToolError) {
        for text in lists.flatMap({ $0.split(separator: ",", omittingEmptySubsequences: false) }) {
            let parts = text.split(separator: ".", omittingEmptySubsequences: false)
            guard let first = parts.first, !parts.contains(where: \.isEmpty) else {
                throw ToolError(
                    .malformedPath,
                    "'\(String(text).visible)' is no path: write a field and what lies "
                        + "below it, as payload.card.number, or * for any key or index"
                )
            }
            if first != "*" { try FieldNames.check(String(first), among: FieldNames.ofEvents) }
            paths.append(Path(text: String(text), steps: parts.map(String.init)))
        }
    }

    /// The paths that nothing was at.
    package var unmet: [String] {
        paths.indices.filter { !met.contains($0) }.map { paths[$0].text }
    }

    /// The fields, each with what the paths lead to hidden.
    mutating func apply(to fields: [EventField]) -> [EventField] {
        guard !paths.isEmpty else { return fields }
        let all = paths.indices.map { Trail(path: $0, rest: paths[$0].steps[...]) }
        var result: [EventField] = []
        for field in fields { result.append(hiding(below(all, field.name), in: field)) }
        return result
    }

    private mutating func hiding(_ trails: [Trail], in field: EventField) -> EventField {
        guard !trails.isEmpty else { return field }
        if ends(trails) {
            _ = hiding(longer(trails), in: field)
            return EventField(field.name, Self.mark)
        }
        guard case .json(let bytes) = field.value else { return field }
        do throws(JSONError) {
            let text = hiding(trails, in: try JSONText(validating: bytes))
            return EventField(field.name, .json(text.bytes))
        } catch {
            for trail in trails { met.insert(trail.path) }
            return EventField(field.name, Self.mark)
        }
    }

    /// Goes as deep as the paths do.
    private mutating func hiding(_ trails: [Trail], in text: JSONText) -> JSONText {
        guard !trails.isEmpty else { return text }
        if ends(trails) {
            _ = hiding(longer(trails), in: text)
            return JSONText(string: Self.mark)
        }
        guard text.isObject || text.isArray else { return text }
        var json = JSONBuilder(capacity: text.bytes.count)
        if text.isObject {
            json.beginObject()
            for (name, value) in text.allMembers ?? [] {
                json.key(name)
                json.raw(hiding(below(trails, name), in: value))
            }
            json.endObject()
        } else {
            json.beginArray()
            for (index, value) in (text.elements ?? []).enumerated() {
                json.raw(hiding(below(trails, "\(index)"), in: value))
            }
            json.endArray()
        }
        return json.finish()
    }

    /// What is left of the trails that lead through `key`.
    private func below(_ trails: [Trail], _ key: String) -> [Trail] {
        let parts = key.split(separator: ".", omittingEmptySubsequences: false)
        return trails.flatMap { (trail) -> [Trail] in
            var found: [Trail] = []
            func follow(_ count: Int) {
                found.append(Trail(path: trail.path, rest: trail.rest.dropFirst(count)))
            }
            if parts.count > 1, trail.rest.first == "*" { follow(1) }
            let leads =
                trail.rest.count >= parts.count
                && zip(trail.rest, parts).allSatisfy { $0 == "*" || $0 == $1 }
            if leads { follow(parts.count) }
            return found
        }
    }

    /// Those that do not end yet. What lies there is hidden with what a shorter one leads to: they
    /// are followed to note whether anything does.
    private func longer(_ trails: [Trail]) -> [Trail] { trails.filter { !$0.rest.isEmpty } }

    /// Whether a trail ends here, which is noted.
    private mutating func ends(_ trails: [Trail]) -> Bool {
        let ended = trails.filter(\.rest.isEmpty)
        for trail in ended { met.insert(trail.path) }
        return !ended.isEmpty
    }
}
