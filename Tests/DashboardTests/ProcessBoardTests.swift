import Primitives
import Testing

@testable import Dashboard

@Suite("What operators see of worker processes")
struct ProcessBoardTests {
    private let row = ProcessRow(name: "orders", since: Timestamp(milliseconds: 5))

    private func text(_ rows: [ProcessRow]) -> String {
        String(decoding: LiveText.processes(rows), as: UTF8.self)
    }

    @Test("is how each is, and how it ended last")
    func list() {
        #expect(text([]) == #"{"type":"processes","processes":[]}"#)
        #expect(
            text([row]) == """
                {"type":"processes","processes":[{"name":"orders","state":"waiting","since_ms":5,\
                "pid":null,"restarts":0,"last_ending":null}]}
                """
        )
        var running = row
        running.state = .running
        running.pid = 12
        running.starts = 3
        running.lastEnding = ProcessRow.Ending(
            time: Timestamp(milliseconds: 4),
            status: 1,
            text: "exited"
        )
        #expect(
            text([running]) == """
                {"type":"processes","processes":[{"name":"orders","state":"running","since_ms":5,\
                "pid":12,"restarts":2,"last_ending":{"at_ms":4,"status":1,"signal":null,\
                "text":"exited"}}]}
                """
        )
    }

    @Test("has a status as in a shell, but for what could not be started")
    func shellStatus() {
        func ending(status: Int32? = nil, signal: Int32? = nil) -> ProcessRow.Ending {
            ProcessRow.Ending(time: row.since, status: status, signal: signal, text: "")
        }
        #expect(ending(status: 0).shellStatus == 0)
        #expect(ending(status: 4).shellStatus == 4)
        #expect(ending(signal: 9).shellStatus == 137)
        #expect(ending().shellStatus == nil)
    }

    @Test("is what was told last")
    func told() {
        let board = ProcessBoard()
        #expect(board.rows.isEmpty)
        board.tell([row])
        #expect(board.rows == [row])
        board.tell([])
        #expect(board.rows.isEmpty)
    }
}
