import Testing

/// A call, and what it answers: JSON, the code of an error, or nothing.
struct WireStep: Sendable {
    let function: String
    let input: String
    let expected: String

    init(_ function: String, _ input: String, _ expected: String) {
        self.function = function
        self.input = input
        self.expected = expected
    }

    /// Neither a result nor an error.
    static let none = "(nothing)"

    static func answer(_ reply: Envelope) -> String {
        if let error = reply["error"] as? Envelope { return error["code"] as? String ?? "?" }
        // There is no result, which is not the same as null.
        return reply.keys.contains("result") ? JSON.text(reply["result"]) : none
    }

    func check(_ worker: RawWorker) throws {
        guard let value = JSON.value(input) else { throw Failure("\(input) is not JSON") }
        let answer = Self.answer(try worker.ask(function, value))
        let expected = JSON.value(expected).map { JSON.text($0) } ?? expected
        #expect(answer == expected, "\(function) \(input)")
    }
}
