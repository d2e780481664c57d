import JSON
import Primitives
import Testing
import WorkerProtocol

@Suite("The message catalogue")
struct CatalogueTests {
    @Test("every message of a worker is written as the protocol shows it and read back")
    func workerMessages() throws {
        for sample in workerSamples { try roundTrip(sample) }
    }

    @Test("every message of the engine is written as the protocol shows it and read back")
    func engineMessages() throws {
        for sample in engineSamples { try roundTrip(sample) }
    }

    private func roundTrip(_ sample: Sample<some Frame>) throws {
        #expect(String(decoding: sample.frame.bytes, as: UTF8.self) == sample.text)
        #expect(sample.frame.byteCount == sample.text.utf8.count)
        #expect(try .init(decoding: Array(sample.text.utf8)) == sample.frame)
    }

    @Test("members may come in any order, spaced as Python spaces them")
    func anyOrder() throws {
        var entropy = SeededEntropy(seed: 0x0DE5)
        for sample in workerSamples {
            for _ in 0..<20 {
                let text = try rearranged(sample.text, using: &entropy)
                #expect(try WorkerFrame(decoding: Array(text.utf8)) == sample.frame, "\(text)")
            }
        }
        for sample in engineSamples {
            for _ in 0..<20 {
                let text = try rearranged(sample.text, using: &entropy)
                #expect(try EngineFrame(decoding: Array(text.utf8)) == sample.frame, "\(text)")
            }
        }
    }

    @Test("null for an optional member of the envelope means that it is absent")
    func nullMeansAbsent() throws {
        var entropy = SeededEntropy(seed: 0x0141)
        for sample in workerSamples {
            let absent = optionalMembers.filter { !sample.text.contains("\"\($0)\":") }
            let text = try rearranged(sample.text, adding: absent, using: &entropy)
            #expect(try WorkerFrame(decoding: Array(text.utf8)) == sample.frame, "\(text)")
        }
    }

    @Test("whoever takes the messages of a worker gets each once, and what it is")
    func takenOnce() throws {
        for sample in workerSamples {
            let taken = Taken()
            let bytes = Array(sample.text.utf8)
            try bytes.withUnsafeBufferPointer { try WorkerFrame.decode($0, for: taken) }
            #expect(taken.frames == [sample.frame])
            #expect(taken.bytes == bytes.count)
        }
    }

    /// What it takes, made one again.
    private final class Taken: WorkerFrameReceiver {
        var frames: [WorkerFrame] = []
        var bytes = 0

        func take(_ invoke: IncomingInvoke, bytes: Int) throws(FrameError) {
            add(.invoke(try InvokeFrame(invoke)), bytes)
        }

        func refuse(
            _ invoke: IncomingInvoke,
            because reason: FrameError,
            bytes: Int
        ) throws(FrameError) {
            throw reason
        }

        func take(_ result: consuming ResultFrame, bytes: Int) { add(.result(result), bytes) }

        func refuse(observer id: String, because reason: FrameError, bytes: Int) {
            Issue.record("observer \(id) is refused: \(reason)")
        }

        func take(_ frame: WorkerFrame, bytes: Int) {
            if case .invoke = frame { Issue.record("a call that is no longer where it stood") }
            if case .result = frame { Issue.record("a result that was wrapped") }
            add(frame, bytes)
        }

        private func add(_ frame: WorkerFrame, _ bytes: Int) {
            frames.append(frame)
            self.bytes += bytes
        }
    }

    private let optionalMembers = [
        "invocation_id", "metadata", "traceparent", "baggage", "action", "namespace", "result",
        "error", "description", "request_format", "response_format", "invocation",
        "trigger_namespace", "reattach_token", "data", "config", "caller",
    ]

    /// The same object with its members shuffled, spaces around them, and `added` members of null.
    private func rearranged(
        _ text: String,
        adding added: [String] = [],
        using entropy: inout SeededEntropy
    ) throws -> String {
        var members: [String] = []
        try Array(text.utf8).withUnsafeBufferPointer { bytes in
            var scanner = JSONScanner(bytes)
            try scanner.beginObject()
            while let key = try scanner.nextMember() {
                let value = scanner.text(try scanner.skipValue())
                members.append("\"\(scanner.name(key))\": \(value)")
            }
        }
        members += added.map { "\"\($0)\": null" }
        return " { \(members.shuffled(using: &entropy).joined(separator: " , ")) }\n"
    }

    @Test("a function's definition holds what its registration told, and nothing else")
    func definition() {
        let full = FunctionRegistration(
            id: "f",
            description: "Does \"it\"",
            requestFormat: json("{}"),
            responseFormat: json("[]"),
            metadata: json("1"),
            invocation: json("{}")
        )
        #expect(
            full.definition.description
                == #"{"description":"Does \"it\"","request_format":{},"response_format":[],"#
                + #""metadata":1}"#
        )
        #expect(FunctionRegistration(id: "f").definition == .emptyObject)
    }

    @Test("telemetry is told from messages by its first four bytes")
    func binaryMessages() {
        func classify(_ text: String) -> BinaryMessage {
            Array(text.utf8).withUnsafeBufferPointer { BinaryMessage($0) }
        }
        #expect(classify("OTLP{}") == .traces)
        #expect(classify("MTRC{}") == .metrics)
        #expect(classify("LOGS") == .logs)
        #expect(classify("LOG") == .frame)
        #expect(classify("") == .frame)
        #expect(classify(#"{"type":"ping"}"#) == .frame)
    }
}
