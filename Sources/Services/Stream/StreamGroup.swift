import Primitives
import State

extension Limits {
    /// What an item may take of a record, in bytes; the rest is for names and the record's own
    /// fields.
    static let itemBytes = recordBytes - 3 * nameBytes - 1024
}

/// A group of a stream: what can be subscribed to.
///
/// Names are compared by their UTF-8, as in JSON: é and e with a combining accent are two groups.
package struct StreamGroup: Hashable, Sendable, CustomStringConvertible {
    package let stream: String
    package let group: String

    package init(stream: String, group: String) {
        self.stream = stream
        self.group = group
    }

    package static func == (left: StreamGroup, right: StreamGroup) -> Bool {
        Name(left.stream) == Name(right.stream) && Name(left.group) == Name(right.group)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(stream)
        hasher.combine(group)
    }

    package var description: String { "\"\(group)\" of stream \"\(stream)\"" }

    // MARK: As a scope of values

    /// The items of a group are the keys of one scope, whose name tells both apart whatever is in
    /// them: the length of the stream's name in bytes, a colon, the stream's name, the group's.
    var scope: String { "\(stream.utf8.count):\(stream)\(group)" }

    /// Nil for what no ``scope`` is.
    init?(scope: String) {
        var rest = scope.utf8[...]
        guard let colon = rest.firstIndex(of: UInt8(ascii: ":")),
            let count = Int(String(rest[..<colon]) ?? "")
        else { return nil }
        rest = rest[rest.index(after: colon)...]
        guard count >= 0, count <= rest.count, let stream = String(rest.prefix(count)),
            let group = String(rest.dropFirst(count))
        else { return nil }
        self.init(stream: stream, group: group)
    }
}
