import Foundation
import Testing

extension LongPrograms {
    /// The verbs of `iii-log` that make or mend a directory.
    @Suite("Log tools")
    struct LogToolTests {
        private let scratch: Scratch

        init() throws { scratch = try Scratch() }
    }
}

extension LongPrograms.LogToolTests {
    private func set(_ number: Int, by client: RawWorker) throws -> String {
        try client.call("state::set", ["scope": "s", "key": "k\(number)", "value": number])
    }

    private func expectDone(_ outcome: Outcome) {
        #expect(outcome.ending == .exit(0), "\(outcome.all)")
    }

    @Test("A backup of a running engine holds everything acknowledged before, and starts an engine")
    func backup() throws {
        let engine = EngineProcess(in: scratch, ["--set", "log.segment_bytes=1MiB"])
        try engine.start()
        let client = try RawWorker(engine)
        var acked = 0
        for round in 0..<5 {
            var asked: [String] = []
            for number in acked..<acked + 200 { asked.append(try set(number, by: client)) }
            for id in asked.prefix(100) { _ = try client.reply(to: id) }
            let known = acked + 100
            // The engine has the rest in its hands while the copy is made.
            let place = scratch("backup-\(round)")
            let command = try ChildProcess(
                [Project.log, "-D", engine.data, "backup", place],
                label: "backup-\(round)",
                in: scratch
            )
            for id in asked.dropFirst(100) { _ = try client.reply(to: id) }
            #expect(try command.wait() == .exit(0), "\(command.errors)")
            acked += 200
            let target = try Scratch()
            expectDone(try run([Project.log, "restore", place, "-D", target("data")], in: target))
            expectDone(
                try run([Project.log, "-D", target("data"), "verify", "--semantic"], in: target)
            )
            let copy = EngineProcess(in: target)
            try copy.start()
            let reader = try RawWorker(copy)
            for number in 0..<known {
                let reply = try reader.ask("state::get", ["scope": "s", "key": "k\(number)"])
                #expect(reply["result"] as? Int == number, "round \(round)")
            }
            #expect(try copy.stop() == .exit(0))
        }
        #expect(try engine.stop() == .exit(0))
    }

    @Test("Equal logs have equal digests in two processes")
    func digest() throws {
        let engine = EngineProcess(in: scratch)
        try engine.start()
        let client = try RawWorker(engine)
        for number in 0..<20 { _ = try client.reply(to: set(number, by: client)) }
        #expect(try engine.stop() == .exit(0))
        expectDone(try engine.log("backup", scratch("copy")))
        let first = try engine.log("digest", "--json")
        let second = try run([Project.log, "-D", scratch("copy"), "digest", "--json"], in: scratch)
        expectDone(first)
        #expect(first.output == second.output)
        #expect(try engine.log("digest", "--at", "100000").ending == .exit(4))
        #expect(try engine.log("state", "get", "s", "k1").ending == .exit(0))
        let beyond = try engine.log("state", "get", "s", "k1", "--at", "99999999")
        #expect(beyond.ending == .exit(4), "\(beyond.all)")
        // A whole trace id is no offset, whatever its digits are.
        let zeros = try engine.log("replay", String(repeating: "0", count: 32))
        #expect(zeros.ending == .exit(4), "\(zeros.all)")
    }

    @Test("An answer that cannot be written ends with 74")
    func unwritten() throws {
        let engine = EngineProcess(in: scratch)
        try engine.start()
        #expect(try engine.stop() == .exit(0))
        let verbs = [
            "show --json", "show -r", "ls", "digest", "verify", "stats", "fields", "values kind",
            "export",
        ]
        for verb in verbs {
            let script = "exec \"$0\" -D \"$1\" \(verb) > /dev/full"
            let told = try run(["/bin/sh", "-c", script, Project.log, engine.data], in: scratch)
            #expect(told.ending == .exit(74), "\(verb): \(told.all)")
            #expect(told.errors.contains("output.not_written"), "\(verb): \(told.all)")
        }
    }

    @Test("A damaged log is mended only by who accepts the loss, and not under an engine")
    func repair() throws {
        let engine = EngineProcess(in: scratch)
        try engine.start()
        let client = try RawWorker(engine)
        for number in 0..<20 { _ = try client.reply(to: set(number, by: client)) }
        try flip(marker: "k7", in: engine)

        let told = try engine.log("repair", "--dry-run", "--json")
        expectDone(told)
        let losses = JSON.object(told.output)["accept_loss"] as? [String] ?? []
        let loss = try #require(losses.first)
        #expect(losses.count == 1)
        #expect(try engine.log("repair", "--accept-loss", loss).ending == .exit(75))
        engine.kill9()

        let unasked = try engine.log("repair")
        #expect(unasked.ending == .exit(65), "\(unasked.all)")
        #expect(unasked.output.contains(loss))
        #expect(try engine.log("repair", "--accept-loss", "0:0:0-1").ending == .exit(2))
        #expect(try engine.log("verify").ending == .exit(2))
        #expect(try engine.refused().ending == .exit(65))
        let ends = loss.split(separator: ":")[2].split(separator: "-").map(String.init)
        let shown = try engine.log("show", "--from", ends[0], "--to", ends[1])
        #expect(shown.ending == .exit(65), "\(shown.all)")
        #expect(shown.errors.contains("offsets \(ends[0])..<\(ends[1])"), "\(shown.all)")
        #expect(try engine.log("show", "--to", ends[0]).ending == .exit(0))
        let backup = try engine.log("backup", scratch("backup"))
        #expect(backup.ending == .exit(65), "\(backup.all)")
        #expect(backup.errors.contains("\(engine.data) is damaged"), "\(backup.all)")

        let saved = scratch("saved")
        expectDone(try engine.log("recover", "--to", saved))
        #expect(try engine.log("recover", "--to", saved).ending == .exit(78))
        expectDone(try engine.log("repair", "--accept-loss", loss))
        for path in [engine.data, saved] {
            expectDone(try run([Project.log, "-D", path, "verify", "--semantic"], in: scratch))
        }
        try engine.start()
        let reader = try RawWorker(engine)
        for number in [0, 6, 8, 19] {
            let reply = try reader.ask("state::get", ["scope": "s", "key": "k\(number)"])
            #expect(reply["result"] as? Int == number)
        }
        #expect(engine.errors.contains("offsets lost and given up: 1"), "\(engine.errors)")
        #expect(try engine.stop() == .exit(0))
    }

    /// Changes a bit of the only record that holds `marker`.
    private func flip(marker: String, in engine: EngineProcess) throws {
        let name = "00000000000000000000.seg"
        let file = "\(engine.data)/log/\(name)"
        let bytes = try #require(FileManager.default.contents(atPath: file))
        let place = try #require(bytes.range(of: Data(marker.utf8))).lowerBound
        let handle = try #require(FileHandle(forUpdatingAtPath: file))
        try handle.seek(toOffset: UInt64(place))
        try handle.write(contentsOf: [bytes[place] ^ 1])
        try handle.close()
    }
}
