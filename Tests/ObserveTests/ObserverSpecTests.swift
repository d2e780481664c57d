import JSON
import Observe
import Primitives
import Testing

@Suite("What may be asked for")
struct ObserverSpecTests {
    private let source = FunctionName(id: "pay::charge")
    private let target = FunctionName(id: "alerts::paid")

    private func words(
        _ change: (inout ObserverSpec.Words) -> Void = { _ in }
    ) -> ObserverSpec.Words {
        var words = ObserverSpec.Words(source: source, target: target)
        change(&words)
        return words
    }

    private func refusal(_ change: (inout ObserverSpec.Words) -> Void) -> ErrorBody? {
        do throws(ErrorBody) {
            _ = try ObserverSpec(words(change))
            return nil
        } catch {
            return error
        }
    }

    @Test("what is not said has the protocol's defaults")
    func defaults() throws {
        let spec = try ObserverSpec(words())
        #expect(spec.args == .emptyObject)
        #expect(spec.filter == .all)
        #expect(spec.outcome == .success)
        #expect(spec.capture == ["input", "output", "caller"])
        #expect(spec.delivery == .envelope)
        #expect(spec.firesMax == nil && spec.lifetime == nil && spec.concurrency == nil)
        #expect(spec.warnings.isEmpty)
    }

    @Test("what means nothing is refused, and what nobody knows is told")
    func refusals() throws {
        #expect(refusal { $0.on = "sometimes" }?.code == "INVALID_ARGS")
        #expect(refusal { $0.deliver = "post" }?.code == "INVALID_ARGS")
        #expect(refusal { $0.args = json("[]") }?.code == "INVALID_ARGS")
        #expect(refusal { $0.firesMax = 0 }?.code == "INVALID_ARGS")
        #expect(refusal { $0.lifetimeMilliseconds = -1 }?.code == "INVALID_ARGS")
        #expect(refusal { $0.concurrency = 0 }?.code == "INVALID_ARGS")
        #expect(refusal { $0.filters = json(#"{"input":1}"#) }?.code == "INVALID_FILTER")
        #expect(refusal { $0.areFiltersRepaired = true }?.code == "INVALID_FILTER")
        let nowhere = refusal { $0.source = FunctionName(namespace: " ", id: "f") }
        #expect(nowhere?.code == "INVALID_NAMESPACE")
        #expect(refusal { $0.target = FunctionName(id: "") }?.code == "INVALID_ARGS")
        let spec = try ObserverSpec(words { $0.capture = ["input", "soul"] })
        #expect(spec.warnings.count == 1)
        #expect(spec.capture == ["input", "soul"])
    }

    @Test("a function that does not let itself be observed is not")
    func allowance() throws {
        let descriptor = ObserveDescriptor(definition: json(#"{"observe":{"allow":false}}"#))
        #expect(try ObserverSpec(words()).refusal(by: descriptor)?.code == "NOT_OBSERVABLE")
        #expect(try ObserverSpec(words()).refusal(by: .plain) == nil)
        #expect(ObserveDescriptor(definition: json(#"{"observe":null}"#)) == .plain)
    }

    @Test("args and formats that are too large are not held against each other")
    func sizes() throws {
        let name = String(repeating: "a", count: 70_000)
        func descriptor(_ format: String) -> ObserveDescriptor {
            ObserveDescriptor(
                definition: json(#"{"observe":{"delivery":"owner","args_format":\#(format)}}"#)
            )
        }
        let large = try ObserverSpec(words { $0.args = json(#"{"\#(name)":1}"#) })
        #expect(large.refusal(by: descriptor("{}"))?.code == "INVALID_ARGS")
        #expect(large.refusal(by: .plain) == nil)
        let wordy = #"{"title":"\#(name)\#(name)\#(name)\#(name)"}"#
        let small = try ObserverSpec(words())
        #expect(small.refusal(by: descriptor(wordy))?.code == "INVALID_ARGS")
        #expect(small.refusal(by: descriptor("{}")) == nil)
        let eager = refusal { $0.capture = Array(repeating: "input", count: 65) }
        #expect(eager?.code == "INVALID_ARGS")
    }

    @Test("args follow the owner's format, and filters look at what its events have")
    func owners() throws {
        let descriptor = ObserveDescriptor(
            definition: json(
                #"{"observe":{"delivery":"owner","args_format":{"type":"object","#
                    + #""required":["expression"],"properties":{"expression":{"type":"string"}}}}}"#
            )
        )
        let bare = try ObserverSpec(words())
        let message = bare.refusal(by: descriptor)?.message
        #expect(bare.refusal(by: descriptor)?.code == "INVALID_ARGS")
        #expect(message?.contains("args.expression is missing") == true)
        let fit = try ObserverSpec(words { $0.args = json(#"{"expression":"* * * * *"}"#) })
        #expect(fit.refusal(by: descriptor) == nil)
        #expect(fit.warnings(about: descriptor).isEmpty)
        #expect(fit.warnings(about: .plain).count == 1)
        let looking = try ObserverSpec(
            words {
                $0.args = json(#"{"expression":"* * * * *"}"#)
                $0.filters = json(#"{"output.a":{"$eq":1}}"#)
            }
        )
        #expect(looking.refusal(by: descriptor)?.code == "INVALID_FILTER_PATH")
        #expect(looking.refusal(by: .plain) == nil)
    }

    @Test("a filter on what is never there is told of")
    func emptyParts() throws {
        let spec = try ObserverSpec(words { $0.filters = json(#"{"error":{"$exists":true}}"#) })
        #expect(spec.warnings(about: .plain).count == 1)
        let both = try ObserverSpec(
            words {
                $0.filters = json(#"{"error":{"$exists":true}}"#)
                $0.on = "complete"
            }
        )
        #expect(both.warnings(about: .plain).isEmpty)
    }

    @Test("an envelope holds what is captured: null for null, nothing for what is absent")
    func envelope() throws {
        let event = ObservedEvent(
            function: source,
            invocation: "i",
            isSuccess: true,
            input: json(#"{"n":1}"#),
            output: .null,
            metadata: json("7"),
            started: 12,
            duration: 1.5
        )
        let activation = UUID128(high: 1, low: 2)
        func payload(_ change: (inout ObserverSpec.Words) -> Void) throws -> String {
            let spec = try ObserverSpec(words(change))
            return String(
                decoding: event.payload(for: spec, observer: "o", activation: activation),
                as: UTF8.self
            )
        }
        let head =
            #"{"observer_id":"o","activation_id":"\#(activation)","function_id":"pay::charge","#
            + #""namespace":"default","invocation_id":"i","status":"success""#
        let tail = #","started_at_ms":12,"duration_ms":1.5}"#
        #expect(try payload { _ in } == head + #","input":{"n":1},"output":null"# + tail)
        #expect(try payload { $0.capture = [] } == head + tail)
        let captured = try payload { $0.capture = ["metadata", "error"] }
        #expect(captured == head + #","metadata":7"# + tail)
        #expect(try payload { $0.deliver = "input" } == #"{"n":1}"#)
        #expect(try payload { $0.deliver = "output" } == "null")
    }
}
