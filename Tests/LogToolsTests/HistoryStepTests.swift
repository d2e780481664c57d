import LogTools
import Primitives
import Testing

/// The timeline, one record at a time.
@Suite struct HistoryStepTests {
    /// Goes through hello as long as `answers` say so.
    private func steps(_ answers: [Bool]) throws -> (text: String, asked: [Int]) {
        let output = Output()
        var asked: [Int] = []
        HistoryText(isFull: true).write(steps: try Story.hello().history(), to: output) { shown in
            asked.append(shown)
            return answers[asked.count - 1]
        }
        return (output.collected, asked)
    }

    @Test("each record comes with its whole payload, and only when it is asked for")
    func some() throws {
        let (text, asked) = try steps([true, true, true, false])
        let trace = try #require(Story.trace)
        let expected = """
            trace \(trace), 8 records (#5 to #12), 2026-09-01T12:00:00Z, \
            took 4.300 ms
                 0.000 ms  http GET /hello -> hello::api  #5
                             input {"path":"hello","method":"GET"}
                 0.100 ms  hello::api on hello-worker (python 0.25.0)  #6
                 1.000 ms  log INFO hello-worker: got it  #7
                 1.200 ms  enqueue greet::process -> queue default, receipt \(Story.receipt)  #8
                             payload {"id":"abc123"}

            """
        #expect(text == expected)
        #expect(asked == [1, 2, 3, 4])
    }

    @Test("all of them are the timeline, and nobody is asked behind the last one")
    func all() throws {
        let (text, asked) = try steps(Array(repeating: true, count: 7))
        let output = Output()
        HistoryText(isFull: true).write(timeline: try Story.hello().history(), to: output)
        #expect(text == output.collected)
        #expect(asked == Array(1...7))
    }
}
