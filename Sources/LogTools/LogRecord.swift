package import Events
package import Primitives
package import RecordFormat

/// A record that outlives the pass that found it, its payload decoded.
package struct LogRecord: Equatable, Sendable {
    package enum Content: Equatable, Sendable {
        case event(Event)
        /// A kind that this version does not know.
        case unknown
        /// The payload is intact, and is not what its kind says.
        case unreadable(DecodeError)
    }

    package let offset: Offset
    package let time: Timestamp
    package let trace: TraceID?
    package let cause: Offset?
    package let kind: UInt8
    /// Bytes of the payload.
    package let byteCount: Int
    package let content: Content

    package init(_ view: RecordView) {
        offset = view.offset
        time = view.time
        trace = view.trace
        cause = view.cause
        kind = view.kind
        byteCount = view.payload.count
        do throws(DecodeError) {
            content =
                if let event = try Event(kind: view.kind, payload: view.payload) {
                    .event(event)
                } else {
                    .unknown
                }
        } catch {
            content = .unreadable(error)
        }
    }

    package var event: Event? {
        if case .event(let event) = content { event } else { nil }
    }

    package var kindName: String { EventKind.name(of: kind) }
}

extension EventKind {
    /// As people and scripts write it: `dead_lettered`.
    package var name: String { Self.name(of: rawValue) }

    /// The name of the kind with this number; `kind_200` where this version knows none.
    static func name(of number: UInt8) -> String { names[number] ?? "kind_\(number)" }

    /// A case tells its own name slowly, and a pass asks for one with every record.
    private static let names = Dictionary(
        uniqueKeysWithValues: allCases.map { ($0.rawValue, $0.spelled) }
    )

    private var spelled: String {
        "\(self)".reduce(into: "") { name, character in
            if character.isUppercase { name += "_" }
            name += character.lowercased()
        }
    }

    /// Nil for what is no kind's name.
    package init?(name: String) {
        guard let kind = EventKind.allCases.first(where: { $0.name == name }) else { return nil }
        self = kind
    }
}
