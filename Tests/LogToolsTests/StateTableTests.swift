import LogTools
import Primitives
import Testing

/// The state as it was, where retention has removed some of what made it.
@Suite struct StateTableTests {
    private func lines(
        _ log: StoredLog,
        _ write: (StateTable, Output) throws(ToolError) -> Void
    ) throws -> [Substring] {
        let output = Output()
        try write(StateTable(log.pass), output)
        return output.collected.split(separator: "\n")
    }

    private func code(
        _ log: StoredLog,
        _ write: (StateTable) throws(ToolError) -> Void
    ) -> ToolError.Code? {
        codeOf { () throws(ToolError) in try write(StateTable(try log.opened())) }
    }

    @Test("a list of then has no value that was over, and lacks none that was there")
    func list() throws {
        let (log, whole) = try StoredLog.trimmed()
        let moment = LogMoment.offset(Offset(20))
        let all = try lines(whole) { (table, output) throws(ToolError) in
            try table.list("s", at: moment, to: output)
        }
        #expect(
            all == [
                #"{"scope":"s","key":"k","value":2,"revision":1}"#,
                #"{"scope":"s","key":"d","value":1,"revision":2}"#,
            ]
        )
        // At 30 it is only what was deleted later that is not there.
        let moments = [moment, .offset(Offset(30)), .time(Story.start.advanced(by: .seconds(-1)))]
        for moment in moments {
            for scope in ["s", nil] {
                let code = code(log) { (table) throws(ToolError) in
                    try table.list(scope, at: moment, to: Output())
                }
                #expect(code == .historyTrimmed, "\(moment), \(scope ?? "all")")
            }
        }
    }

    @Test("what retention had to keep is told: of other scopes, and of later moments")
    func kept() throws {
        let (log, whole) = try StoredLog.trimmed()
        for (scope, offset) in [("t", 20), ("s", 31), ("s", 59)] {
            let moment = LogMoment.offset(Offset(UInt64(offset)))
            let left = try lines(log) { (table, output) throws(ToolError) in
                try table.list(scope, at: moment, to: output)
            }
            let all = try lines(whole) { (table, output) throws(ToolError) in
                try table.list(scope, at: moment, to: output)
            }
            #expect(left == all && left.count == 1, "\(scope) at \(offset)")
        }
    }

    @Test("a difference from a moment that cannot be told is none")
    func difference() throws {
        let (log, _) = try StoredLog.trimmed()
        let code = code(log) { (table) throws(ToolError) in
            try table.difference(.offset(Offset(20)), .end, nil, to: Output())
        }
        #expect(code == .historyTrimmed)
        let none = try lines(log) { (table, output) throws(ToolError) in
            try table.difference(.offset(Offset(31)), .end, nil, to: output)
        }
        #expect(none == [])
    }
}
