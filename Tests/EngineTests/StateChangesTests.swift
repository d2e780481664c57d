import CommitLog
import Folding
import Primitives
import State
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

    private func questions(_ effects: [Effect]) -> [Effect.LogQuery] {
        effects.compactMap { effect in
            if case .readLog(let reading) = effect { reading } else { nil }
        }
    }

    private func readings(_ effects: [Effect]) -> [UInt64] { questions(effects).map(\.id) }

    /// The name of the reading of a call that waits, as the log has shown it nothing.
    private func wait(for input: String, id: String) throws -> UInt64 {
        let call = Command.call(worker, "state::changes", input, id: .text(id))
        let name = try #require(readings(try lab.settle(call)).first)
        let newest = lab.engine.newest
        let nothing = Command.LogQueryResult(
            result: .value(Array("{}".utf8)),
            isEmpty: true,
            last: try #require(newest)
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

    @Test("where nothing was changed since, the log need not be read")
    func unchanged() throws {
        _ = try write("s", "k")
        _ = try write("t", "k")
        let newest = lab.engine.newest
        let changed = lab.engine.views.state.changed(scope: "s")
        let last = try #require(newest).rawValue
        let old = try #require(changed).rawValue
        #expect(old < last)
        let nothing = #"state::changes = {"changes":[],"next":\#(last),"at_end":true}"#
        for input in [
            #"{"scope":"s","after":\#(old)}"#, #"{"scope":"none","after":\#(last)}"#,
            #"{"after":\#(last)}"#,
        ] {
            #expect(try lab.settle(.call(worker, "state::changes", input)).lines == [nothing])
        }
        // Whoever waits for a change is told of one, or that there was none.
        let waits = #"{"scope":"s","after":\#(old),"wait_ms":1000}"#
        #expect(try lab.settle(.call(worker, "state::changes", waits)).lines == [])
        lab.pass(seconds: 2)
        #expect(try lab.settle().lines == [nothing])
        // There is one, or the log has to say that there is no such record.
        for input in [
            #"{"scope":"s","after":\#(old - 1)}"#, #"{"after":\#(old)}"#,
            #"{"scope":"s","after":\#(last + 1000)}"#,
        ] {
            #expect(readings(try lab.settle(.call(worker, "state::changes", input))).count == 1)
        }
    }

    @Test("those whom one write wakes ask the same: from there on, in the segment that it is in")
    func together() throws {
        for number in 0..<3 {
            _ = try wait(for: #"{"scope":"s","wait_ms":5000\#(number)}"#, id: "\(number)")
            _ = try write("other", "k\(number)")
        }
        let input = #"{"scope":"s","key":"k","value":1}"#
        let asked = questions(try lab.settle(.call(worker, "state::set", input)))
        let changed = lab.engine.views.state.changed(scope: "s")
        let version = try #require(changed)
        let segment = lab.engine.log.activeSegment.number
        #expect(asked.count == 3)
        for reading in asked {
            guard case .state(.changes(let changes)) = reading.question else {
                Issue.record("something else is asked")
                continue
            }
            let same = StateQuestion.Changes(
                scope: "s",
                prefix: "",
                after: Offset(version.rawValue - 1),
                limit: 100,
                wait: 0
            )
            #expect(changes == same)
            let entrance = try #require(reading.entrance)
            #expect(entrance.segment == segment && entrance.base <= version)
        }
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
