import Foundation
import Testing

extension LongPrograms {
    /// What runs behind everything else, on a machine that always has something else to run.
    @Suite("Busy machine")
    struct BusyMachineTests {
        private let scratch: Scratch

        init() throws { scratch = try Scratch() }
    }
}

extension LongPrograms.BusyMachineTests {
    /// How nice the thread is that follows the log (proc_pid_stat(5), field 19).
    private func niceness(_ engine: EngineProcess) -> Int? {
        let tasks = "/proc/\(engine.pid)/task"
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: tasks)) ?? []
        let thread = threads.first { text(of: "\(tasks)/\($0)/comm") == "iii-follower\n" }
        guard let thread, let rest = text(of: "\(tasks)/\(thread)/stat").split(separator: ")").last
        else { return nil }
        let fields = rest.split(separator: " ")
        return fields.count > 16 ? Int(fields[16]) : nil
    }

    /// A launcher that keeps a process on one processor, always the same.
    private func onOne() throws -> [String] {
        let line = text(of: "/proc/self/status").split(separator: "\n")
            .first { $0.hasPrefix("Cpus_allowed_list:") }
        let first = try #require(line?.split(whereSeparator: { !$0.isNumber }).first)
        return ["/usr/bin/taskset", "-c", String(first)]
    }

    private func speak(_ numbers: ClosedRange<Int>, _ client: RawWorker) throws {
        let asked = try numbers.map { number in
            try client.call("engine::log::info", ["message": "line \(number)"])
        }
        for id in asked {
            let reply = try client.reply(to: id)
            #expect(reply["error"] == nil, "\(JSON.text(reply))")
        }
    }

    private func lines(_ client: RawWorker) throws -> [String] {
        let reply = try client.ask("engine::logs::list", ["limit": 10_000])
        let logs = (reply["result"] as? Envelope)?["logs"] as? [Envelope] ?? []
        return logs.compactMap { $0["body"] as? String }.filter { $0.hasPrefix("line ") }
    }

    @Test("What follows the log yields to everything else, and gets its share where all is busy")
    func follower() throws {
        let onOne = try onOne()
        let engine = EngineProcess(in: scratch, launcher: onOne)
        try engine.start()
        let client = try RawWorker(engine)
        try speak(1...100, client)
        #expect(niceness(engine) == 10)

        let hogs = try (0..<4).map { number in
            try ChildProcess(
                // Should this process die first, it ends by itself after a minute.
                onOne + ["/bin/sh", "-c", "ulimit -t 60; while :; do :; done"],
                label: "hog \(number)",
                in: scratch
            )
        }
        let last = 2000
        try speak(101...last, client)
        let seen = try eventually("the last line") { () -> [String]? in
            let lines = try lines(client)
            return lines.contains("line \(last)") ? lines : nil
        }
        #expect(hogs.allSatisfy { $0.isRunning })
        #expect(seen.sorted() == (1...last).map { "line \($0)" }.sorted())
        #expect(try engine.stop() == .exit(0))
    }
}
