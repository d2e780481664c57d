import Primitives

@testable import Engine

extension [Effect] {
    var lines: [String] { map(\.line) }
    var dispatches: [Effect.Dispatch] { compactMap(\.dispatch) }
}

extension FunctionResult {
    var line: String {
        switch self {
        case .value(let bytes): String(decoding: bytes, as: UTF8.self)
        case .none: "nothing"
        case .failure(let error): "\(error.code): \(error.message)"
        }
    }
}
