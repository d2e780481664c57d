import Events
package import Primitives
package import RecordFormat

/// Which records to show. Bounds are inclusive at their start and exclusive at their end.
package struct RecordFilter: Sendable {
    package var from = Offset.zero
    package var to: Offset?
    package var since: Timestamp?
    package var until: Timestamp?
    /// Numbers of kinds; nil: all.
    package var kinds: Set<UInt8>?
    /// What a field may be, by its name.
    var values: [String: Set<Name>] = [:]

    package init() {}

    package enum Verdict: Equatable, Sendable {
        case shown
        case passedOver
        /// Neither this nor any later record.
        case behind
    }

    package func judge(_ record: RecordView) -> Verdict {
        if let to, record.offset >= to { return .behind }
        // Times never go back.
        if let until, record.time >= until { return .behind }
        if record.offset < from { return .passedOver }
        if let since, record.time < since { return .passedOver }
        if let kinds, !kinds.contains(record.kind) { return .passedOver }
        return matches(record) ? .shown : .passedOver
    }

    /// Reads `invoked,state_set`, `invoked state_set` or `kind_200`.
    ///
    /// - Throws: ``ToolError`` with the nearest kinds that there are.
    package static func kinds(_ text: String) throws(ToolError) -> Set<UInt8> {
        var kinds: Set<UInt8> = []
        for part in text.split(whereSeparator: { $0 == "," || $0 == " " }) {
            let name = String(part)
            if let kind = EventKind(name: name) {
                kinds.insert(kind.rawValue)
            } else if name.hasPrefix("kind_"), let number = UInt8(name.dropFirst(5)) {
                kinds.insert(number)
            } else {
                let known = EventKind.allCases.map(\.name).joined(separator: ", ")
                throw ToolError(
                    .unknownKind,
                    "'\(name.visible)' is no kind of record; there are \(known), and "
                        + "kind_N for a number"
                )
            }
        }
        return kinds
    }
}
