import CommitLog
import Primitives
import Testing

@testable import Engine

/// Calls of `state::changes` that wait, and the writes that end their wait.
@Suite("Calls that wait for changes")
struct StateChangesTests {
    private let lab: Lab
    private let worker: Peer

    init() throws {
        lab = try Lab()
        worker = try lab.join("w")
    }

    private func readings(_ effects: [Effect]) -> [UInt64] {
        effects.compactMap { effect in
            if case .readLog(let reading) = effect { reading.id } else { nil }
        }
    }

    /// The name of the reading of a call that waits, as the log has shown it nothing.
    private func wait(for input: String, id: String) throws -> UInt64 {
        let call = Command.call(worker, "state::changes", input, id: .text(id))
        let name = try #require(readings(try lab.settle(call)).first)
        let nothing = Command.LogQueryResult(
            result: .value(Array("{}".utf8)),
            isEmpty: true,
            last: lab.engine.log.staged
        )
        #expect(try lab.settle(.logRead(name, nothing)).lines == [])
        return name
    }

    private func write(_ scope: String, _ key: String) throws -> [UInt64] {
        let input = #"{"scope":"\#(scope)","key":"\#(key)","value":1}"#
        return readings(try lab.settle(.call(worker, "state::set", input)))
    }

    @Test("a write has the log read for those that it concerns, in the order in which they asked")
    func concerned() throws {
        var names: [UInt64] = []
        for number in 0..<30 {
            names.append(try wait(for: #"{"scope":"s","wait_ms":60000}"#, id: "s\(number)"))
            names.append(try wait(for: #"{"wait_ms":60000}"#, id: "any\(number)"))
            _ = try wait(for: #"{"scope":"t","wait_ms":60000}"#, id: "t\(number)")
            _ = try wait(
                for: #"{"scope":"s","key_prefix":"other","wait_ms":60000}"#,
                id: "prefix\(number)"
            )
        }
        #expect(try write("s", "k") == names)
        // They are being read for already.
        #expect(try write("s", "k") == [])
    }

    @Test("whoever was answered is looked at no more")
    func answered() throws {
        let name = try wait(for: #"{"scope":"s","wait_ms":1000}"#, id: "1")
        lab.pass(seconds: 2)
        #expect(try lab.settle().lines == ["state::changes = {}"])
        #expect(lab.engine.logQueryCalls.watching("s") == [])
        #expect(try write("s", "k") == [])
        let next = try wait(for: #"{"scope":"s","wait_ms":60000}"#, id: "2")
        #expect(next > name)
        #expect(lab.engine.logQueryCalls.watching("s") == [next])
        #expect(lab.engine.logQueryCalls.watching("t") == [])
    }
}
