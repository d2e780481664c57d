package import JSON

/// A place at which a value is not what it was.
package struct JSONDifference: Equatable, Sendable {
    /// From `$` on: `$.body.items[2]`, `$["a name"]`.
    package let path: String
    /// Nil: it was not there.
    package let before: JSONText?
    /// Nil: it is not there.
    package let now: JSONText?

    package init(path: String = "$", before: JSONText?, now: JSONText?) {
        self.path = path
        self.before = before
        self.now = now
    }

    /// What records have in place of a secret: nobody knows what that was.
    private static let redacted = "[redacted]"

    /// Every place at which two values differ, members by their names. What was redacted differs
    /// from nothing.
    package static func between(_ before: JSONText, _ now: JSONText) -> [JSONDifference] {
        var found: [JSONDifference] = []
        compare(before.value(), now.value(), "$", &found)
        return found
    }

    /// As deep as both values are: no deeper than what an engine takes.
    private static func compare(
        _ before: JSONValue,
        _ now: JSONValue,
        _ path: String,
        _ found: inout [JSONDifference]
    ) {
        switch (before, now) {
        case (.object(let old), .object(let new)):
            for name in names(of: old, new) {
                compare(old[name], new[name], path + step(name), &found)
            }
        case (.array(let old), .array(let new)):
            for index in 0..<max(old.count, new.count) {
                let left = index < old.count ? old[index] : nil
                let right = index < new.count ? new[index] : nil
                compare(left, right, "\(path)[\(index)]", &found)
            }
        case (.string(Self.redacted), _): break
        default:
            guard before != now else { return }
            found.append(JSONDifference(path: path, before: before.text, now: now.text))
        }
    }

    private static func compare(
        _ before: JSONValue?,
        _ now: JSONValue?,
        _ path: String,
        _ found: inout [JSONDifference]
    ) {
        if let before, let now { return compare(before, now, path, &found) }
        found.append(JSONDifference(path: path, before: before?.text, now: now?.text))
    }

    /// Each once, in the order in which they come.
    private static func names(of before: JSONObject, _ now: JSONObject) -> [String] {
        before.members.map(\.name) + now.members.map(\.name).filter { before[$0] == nil }
    }

    private static func step(_ name: String) -> String {
        isPlain(name) ? ".\(name)" : "[\(JSONText(string: name))]"
    }

    private static func isPlain(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                || (0x61...0x7A).contains(byte) || byte == UInt8(ascii: "_")
        }
    }
}
