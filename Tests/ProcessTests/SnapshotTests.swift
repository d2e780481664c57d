import Foundation
import Testing

extension LongPrograms {
    /// What an engine does with sealed segments while it runs.
    @Suite("Sealed segments")
    struct SnapshotTests {}
}

extension LongPrograms.SnapshotTests {
    /// Writes about a mebibyte to the log.
    private func fill(_ client: RawWorker) throws {
        let value = String(repeating: "0123456789abcdef", count: 4096)
        for number in 0..<16 {
            let reply = try client.ask(
                "state::set",
                ["scope": "s", "key": "k\(number)", "value": value]
            )
            guard reply["error"] == nil else { throw Failure(JSON.text(reply)) }
        }
    }

    private func snapshots(_ engine: EngineProcess) -> [String] {
        let names = try? FileManager.default.contentsOfDirectory(atPath: "\(engine.data)/snap")
        return (names ?? []).filter { $0.hasSuffix(".snap") }
    }

    @Test(
        "A snapshot that could not be made is made with the next segment; then those are compressed"
    )
    func retries() throws {
        let scratch = try Scratch()
        let engine = EngineProcess(
            in: scratch,
            ["--set", "log.segment_bytes=1MiB", "--set", "log.snapshot_bytes=8MiB"]
        )
        try engine.start()
        let client = try RawWorker(engine)
        // Nothing can be made in what is no folder.
        let obstacle = "\(engine.data)/snap"
        try Data().write(to: URL(fileURLWithPath: obstacle))
        var written = 0
        while !engine.errors.contains("no snapshot was made") {
            guard written < 40 else { throw Failure("no attempt: \(engine.errors)") }
            try fill(client)
            written += 1
        }
        try FileManager.default.removeItem(atPath: obstacle)
        // Two at the most until the next segment begins: far from the next eight.
        for _ in 0..<3 { try fill(client) }
        try eventually("the snapshot is made") { snapshots(engine).isEmpty ? nil : () }
        // Once there is a second one, what the first has folded is compressed.
        try eventually("a segment is compressed") { () -> Void? in
            if engine.errors.contains(" written anew, ") { return () }
            try fill(client)
            return nil
        }
        let reply = try client.ask("state::get", ["scope": "s", "key": "k3"])
        #expect((reply["result"] as? String)?.count == 65_536)
        #expect(try engine.stop() == .exit(0))
        let verified = try engine.log("verify", "--semantic")
        #expect(verified.ending == .exit(0), "\(verified.all)")
    }

    private func logBytes(_ engine: EngineProcess) -> Int {
        let folder = "\(engine.data)/log"
        return files(below: folder).reduce(0) { sum, name in
            let attributes = try? FileManager.default.attributesOfItem(atPath: "\(folder)/\(name)")
            return sum + (attributes?[.size] as? Int ?? 0)
        }
    }

    @Test("A log is kept as small as it is to be, however much there is to be between snapshots")
    func small() throws {
        let engine = EngineProcess(
            in: try Scratch(),
            ["--set", "log.segment_bytes=1MiB", "--set", "log.retention_bytes=4MiB"]
        )
        try engine.start()
        let client = try RawWorker(engine)
        for _ in 0..<16 { try fill(client) }
        try eventually("the log is no larger than some segments") { () -> Void? in
            logBytes(engine) < 8 << 20 ? () : nil
        }
        #expect(snapshots(engine).count >= 2)
        #expect(try engine.stop() == .exit(0))
        let verified = try engine.log("verify", "--semantic")
        #expect(verified.ending == .exit(0), "\(verified.all)")
    }
}
