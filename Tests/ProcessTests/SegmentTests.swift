import Foundation
import Testing

extension LongPrograms {
    /// What an engine does with its sealed segments by itself.
    @Suite("Segments")
    struct SegmentTests {
        private let scratch: Scratch

        init() throws { scratch = try Scratch() }
    }
}

extension LongPrograms.SegmentTests {
    private static let sizes = [
        "--set", "log.segment_bytes=1MiB", "--set", "log.snapshot_bytes=1MiB",
        // What is written anew has its batches in other places.
        "--set", "log.compression=none",
    ]

    private func indexes(_ engine: EngineProcess) -> [String] {
        files(below: "\(engine.data)/idx").filter { $0.hasSuffix(".idx") }
    }

    /// Writes values of 20 KB, five megabytes in all.
    private func fill(_ engine: EngineProcess) throws {
        let client = try RawWorker(engine)
        let value = String(repeating: "v", count: 20_000)
        for round in 0..<25 {
            let asked = try (0..<10).map { number in
                try client.call("state::set", ["scope": "s", "key": "\(number)", "value": value])
            }
            for id in asked {
                let reply = try client.reply(to: id)
                #expect(reply["error"] == nil, "round \(round): \(reply)")
            }
        }
    }

    @Test("An engine indexes what it sealed, tells of damage in it, and goes on")
    func looksAfter() throws {
        let engine = EngineProcess(in: scratch, Self.sizes)
        try engine.start()
        try fill(engine)
        _ = try eventually("indexes of sealed segments") { indexes(engine).count > 2 ? () : nil }
        _ = try eventually("two snapshots") {
            files(below: "\(engine.data)/snap").filter { $0.hasSuffix(".snap") }.count == 2
                ? () : nil
        }
        let sound = try engine.log("verify")
        #expect(sound.ending == .exit(0), "\(sound.all)")
        let reasons = try engine.log("why-kept", "1", "--json")
        #expect(reasons.ending == .exit(0), "\(reasons.all)")
        #expect(JSON.object(reasons.output)["needed"] as? Int == 0, "all was overwritten since")
        #expect(try engine.log("why-kept", "999").ending == .exit(4))
        #expect(try engine.stop() == .exit(0))
        #expect(!engine.errors.contains("damaged"), "\(engine.errors)")

        // A segment that no start reads any more, and whose index says that it was sound: without
        // that it is read at once.
        let segment = "\(engine.data)/log/00000000000000000001.seg"
        let handle = try #require(FileHandle(forUpdatingAtPath: segment))
        try handle.seek(toOffset: 3 * 4096 + 700)
        let byte = try #require(try handle.read(upToCount: 1)?.first)
        try handle.seek(toOffset: 3 * 4096 + 700)
        try handle.write(contentsOf: [byte ^ 1])
        try handle.close()
        try FileManager.default.removeItem(atPath: "\(engine.data)/idx")
        try engine.start()
        _ = try eventually("a word of the damage") {
            engine.errors.contains("segment 1 is damaged") ? () : nil
        }
        for part in ["byte ", "offsets ", "iii-log", "verify", "repair", engine.data] {
            #expect(engine.errors.contains(part), "\(part): \(engine.errors)")
        }
        let client = try RawWorker(engine)
        let reply = try client.ask("state::get", ["scope": "s", "key": "3"])
        #expect((reply["result"] as? String)?.count == 20_000)
        #expect(try engine.stop() == .exit(0))
        #expect(!indexes(engine).contains("00000000000000000001.idx"))
    }

    @Test("An engine whose data are in memory says so, once")
    func memory() throws {
        let path = "/dev/shm/iii-test-\(UUID().uuidString)"
        let mounts = try String(contentsOfFile: "/proc/mounts", encoding: .utf8)
        guard mounts.contains("/dev/shm tmpfs") else { return }
        defer { try? FileManager.default.removeItem(atPath: path) }
        let engine = EngineProcess(in: scratch, ["--data", path])
        try engine.start()
        #expect(try engine.stop() == .exit(0))
        let warnings = engine.errors.components(separatedBy: "does not survive a power cut")
        #expect(warnings.count == 2, "\(engine.errors)")
    }
}
