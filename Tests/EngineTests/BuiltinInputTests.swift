import JSON
import Primitives
import Testing

@testable import Engine

@Suite("What builtins take")
struct BuiltinInputTests {
    private let lab: Lab
    private let caller: Peer

    init() throws {
        lab = try Lab()
        caller = try lab.join("caller")
    }

    private func ask(_ function: String, _ input: String) throws -> JSONText {
        try lab.value(of: function, input, by: caller)
    }

    private func failure(_ function: String, _ input: String) throws -> ErrorBody {
        try lab.failure(of: function, input, by: caller)
    }

    @Test(
        "no input is as good as an empty one",
        arguments: [
            "engine::workers::list", "engine::functions::list", "engine::triggers::list",
            "engine::registered-triggers::list",
        ]
    )
    func noInput(function: String) throws {
        #expect(try ask(function, "null") == ask(function, "{}"))
        let odd = #"{"search":null,"prefix":null,"worker":null,"other":7}"#
        #expect(try ask(function, odd) == ask(function, "{}"))
    }

    @Test(
        "an input of the wrong type is refused, and says why",
        arguments: [
            ("engine::workers::list", #"{"search":7}"#),
            ("engine::workers::info", "null"), ("engine::workers::info", #"{"name":7}"#),
            ("engine::functions::list", #"{"include_internal":"yes"}"#),
            ("engine::functions::list", #"{"workers":[7]}"#), ("engine::functions::list", "[]"),
            ("engine::functions::info", #"{"function_ids":"f"}"#),
            ("engine::triggers::info", "{}"), ("engine::registered-triggers::info", "7"),
            ("engine::workers::register", #"{"pid":"4"}"#),
            ("engine::workers::register", #"{"telemetry":7}"#),
        ]
    )
    func wrongInput(function: String, input: String) throws {
        let refusal = try failure(function, input)
        #expect(refusal.code == "deserialization_error")
        #expect(refusal.message.hasPrefix("Failed to deserialize input for \(function): "))
    }
}
