import Events
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
            _ = try table.rows(.offset(Offset(20)), .end)
        }
        #expect(code == .historyTrimmed)
        let none = try StateTable(log.pass).rows(.offset(Offset(31)), .end)
        #expect(none.isEmpty)
    }

    @Test("a difference names what was added, changed and removed, and nothing that is equal again")
    func changes() throws {
        var story = Story()
        let first = story.set("a", 1, over: nil)
        let second = story.set("b", 1, over: nil)
        let third = story.set("c", 1, over: nil)
        let kept = story.set("u", 1, over: nil, in: "t")
        story.set("d", 4, over: nil)
        story.delete("c", over: third)
        story.set("b", 2, over: second)
        let passing = story.set("a", 9, over: first)
        story.set("a", 1, over: passing)
        story.set("u", 7, over: kept, in: "t")
        let log = try StoredLog(story)
        let table = StateTable(try log.pass)
        let start = LogMoment.offset(Offset(3))
        let all = try table.rows(start, .end)
        #expect(
            all.map(\.json) == [
                #"{"scope":"s","key":"b","change":"changed","old":1,"old_revision":1,"#
                    + #""new":2,"new_revision":6}"#,
                #"{"scope":"s","key":"c","change":"removed","old":1,"old_revision":2,"#
                    + #""new":null,"new_revision":0}"#,
                #"{"scope":"s","key":"d","change":"added","old":null,"old_revision":0,"#
                    + #""new":4,"new_revision":4}"#,
                #"{"scope":"t","key":"u","change":"changed","old":1,"old_revision":3,"#
                    + #""new":7,"new_revision":9}"#,
            ]
        )
        #expect(
            Array(all.map(\.cells).prefix(3)) == [
                ["changed", "s", "b", "1", "2"], ["removed", "s", "c", "1", "-"],
                ["added", "s", "d", "-", "4"],
            ]
        )
        let between = try table.rows(start, .offset(Offset(7)), scope: "s", prefix: "a")
        #expect(between.map(\.cells) == [["changed", "s", "a", "1", "9"]])
        let one = try table.rows(start, .end, scope: "s", prefix: "d")
        #expect(one.map { $0.cells[2] } == ["d"])
        let other = try table.rows(start, .end, scope: "t")
        #expect(other.map { $0.cells[2] } == ["u"])
        // However little room there is, the rows are the same, and in the same order.
        for room in 0...5 { #expect(try table.rows(start, .end, room: room) == all, "\(room)") }
        #expect(try table.rows(start, start).isEmpty)
        let code = codeOf { () throws(ToolError) in
            _ = try table.rows(start, .offset(Offset(10)))
        }
        #expect(code == .unknownOffset)
        withExtendedLifetime(log) {}
    }

    @Test("names are told apart by their bytes, and a value that goes is not one that stays")
    func exact() throws {
        var story = Story()
        func set(_ key: String, expires: Timestamp?, over previous: Offset?) -> Offset {
            let set = StateSet(
                scope: "s",
                key: key,
                value: Story.json("1"),
                function: "state::set",
                expires: expires,
                previous: previous
            )
            return story.add(.state(.set(set)))
        }
        let end = Story.start.advanced(by: .seconds(9))
        let first = set("k", expires: end, over: nil)
        _ = set("\u{E9}", expires: nil, over: nil)
        _ = set("e\u{301}", expires: nil, over: nil)
        _ = set("k", expires: nil, over: first)
        let log = try StoredLog(story)
        let table = StateTable(try log.pass)
        let rows = try table.rows(.offset(first), .end)
        #expect(
            rows.map { Array($0.cells[2].utf8) }
                == ["e\u{301}", "k", "\u{E9}"].map { Array($0.utf8) }
        )
        #expect(rows.map { $0.cells[0] } == ["added", "changed", "added"])
        let changed = #""old":1,"old_revision":0,"old_expires_at":\#(end.milliseconds),"new":1,"#
        #expect(rows[1].json.contains(changed), "\(rows[1].json)")
        withExtendedLifetime(log) {}
    }

    @Test("a write that cannot be read is not passed over", arguments: [false, true])
    func unreadable(isIndexed: Bool) throws {
        var story = Story()
        let first = story.set("k", 1, over: nil)
        story.add(kind: EventKind.stateSet.rawValue, [0xFF])
        story.fill(40)
        let log = try StoredLog(story)
        if isIndexed { try log.index() }
        let moment = LogMoment.end
        let codes = [
            code(log) { (table) throws(ToolError) in
                try table.get("s", "k", at: moment, to: Output())
            },
            code(log) { (table) throws(ToolError) in
                try table.history("s", "k", 9, at: moment, to: Output())
            },
            code(log) { (table) throws(ToolError) in
                try table.list("s", at: moment, to: Output())
            },
            code(log) { (table) throws(ToolError) in
                try table.list(nil, at: moment, to: Output())
            },
            code(log) { (table) throws(ToolError) in
                try table.difference(.offset(first), moment) { _ in }
            },
            codeOf { () throws(ToolError) in
                _ = try StateLog(try log.opened()).changes(after: first) { _ in true }
            },
        ]
        #expect(codes == [ToolError.Code?](repeating: .damaged, count: codes.count))
        // Before it, it does not matter.
        let value = try lines(log) { (table, output) throws(ToolError) in
            try table.get("s", "k", at: .offset(first), to: output)
            try table.list("s", at: .offset(first), to: output)
        }
        #expect(value.count == 2)
    }

    @Test("changes end behind a transaction, and not inside of it")
    func together() throws {
        var story = Story()
        func set(_ key: String, by function: String, at time: Double) -> Offset {
            let value = StateSet(scope: "s", key: key, value: Array("1".utf8), function: function)
            return story.add(.state(.set(value)), at: time)
        }
        let first = set("a", by: "state::set", at: 1)
        _ = set("b", by: "state::set", at: 2)
        for key in ["c", "d"] { _ = set(key, by: "state::transact", at: 2) }
        let last = story.add(.state(.deleted(StateDeleted(scope: "s", key: "a"))), at: 2)
        // Made by the same run, but later; and at once, but alone.
        let later = set("e", by: "state::transact", at: 3)
        _ = set("f", by: "state::set", at: 3)
        let log = try StoredLog(story)
        func page(after offset: Offset, _ limit: Int) throws -> (keys: [String], last: Offset) {
            var keys: [String] = []
            let last = try StateLog(try log.opened()).changes(after: offset) { write in
                keys.append(write.event.key)
                return keys.count < limit
            }
            return (keys, last)
        }
        #expect(try page(after: first, 1).keys == ["b"])
        let two = try page(after: first, 2)
        #expect(two.keys == ["b", "c", "d", "a"])
        #expect(two.last == last)
        let next = try page(after: last, 1)
        #expect(next.keys == ["e"])
        #expect(next.last == later)
        #expect(try page(after: later, 9).keys == ["f"])
    }

    @Test("no moment is behind the end of the log", arguments: [false, true])
    func behind(isTrimmed: Bool) throws {
        let (trimmed, whole) = try StoredLog.trimmed()
        let log = isTrimmed ? trimmed : whole
        for (offset, expected) in [(59, nil), (60, .unknownOffset), (99_999_999, .unknownOffset)]
            as [(UInt64, ToolError.Code?)]
        {
            let moment = LogMoment.offset(Offset(offset))
            let codes = [
                code(log) { (table) throws(ToolError) in
                    try table.get("s", "k", at: moment, to: Output())
                },
                code(log) { (table) throws(ToolError) in
                    try table.list("s", at: moment, to: Output())
                },
                code(log) { (table) throws(ToolError) in
                    try table.history("s", "k", 1, at: moment, to: Output())
                },
                code(log) { (table) throws(ToolError) in
                    _ = try table.rows(.offset(Offset(40)), moment)
                },
            ]
            #expect(codes == [ToolError.Code?](repeating: expected, count: 4), "\(offset)")
        }
    }
}

extension StateTable {
    fileprivate func rows(
        _ first: LogMoment,
        _ second: LogMoment,
        scope: String? = nil,
        prefix: String = "",
        room: Int = 1 << 20
    ) throws(ToolError) -> [StateDifference] {
        var rows: [StateDifference] = []
        try difference(first, second, scope: scope, prefix: prefix, room: room) { rows.append($0) }
        return rows
    }
}
