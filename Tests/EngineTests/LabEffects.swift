@testable import Engine

extension [Effect] {
    var lines: [String] { map(\.line) }
    var dispatches: [Effect.Dispatch] { compactMap(\.dispatch) }
}
