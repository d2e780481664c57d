import Foundation
import Testing

extension LongPrograms {
    /// The state as it was, where retention has removed some of it, by the index and without one.
    @Suite("The state's history behind retention")
    struct StateRetentionTests {}
}

extension LongPrograms.StateRetentionTests {
    private static let sizes = [
        "--set", "log.segment_bytes=1MiB", "--set", "log.snapshot_bytes=1MiB",
        "--set", "log.retention_bytes=1MiB",
    ]

    private static var place: Envelope { ["scope": "s", "key": "k"] }

    private func set(_ client: RawWorker, _ key: String, _ value: Any) throws -> Int {
        let input: Envelope = ["scope": "s", "key": key, "value": value, "with_revision": true]
        let reply = try client.ask("state::set", input)
        let result = try #require(reply["result"] as? Envelope, "\(JSON.text(reply))")
        return try #require(result["revision"] as? Int)
    }

    private func isGone(_ offset: Int, _ client: RawWorker) throws -> Bool {
        let input = Self.place.merging(["at": offset]) { $1 }
        let reply = try client.ask("state::get", input)
        guard reply["error"] != nil else { return false }
        #expect(code(of: reply) == "HISTORY_TRIMMED", "\(JSON.text(reply))")
        return true
    }

    /// Writes until retention has removed the record at `first`; the offsets of what was written.
    private func fill(_ client: RawWorker, until first: Int) throws -> [Int] {
        // Of no use to compression: what is kept must be as large as what was written.
        var random = SeededNumbers(seed: 7)
        func value() -> String { (0..<1000).map { _ in String(random.next(), radix: 36) }.joined() }
        var writes: [Int] = []
        try eventually("retention removes the first write", within: 120) { () -> Void? in
            for number in 0..<20 { writes.append(try set(client, "k", "\(number) \(value())")) }
            return try isGone(first, client) ? () : nil
        }
        return writes
    }

    /// What the key was at each offset.
    private func told(_ client: RawWorker, _ offsets: [Int]) throws -> [String] {
        try offsets.map { offset in
            let input = Self.place.merging(["at": offset]) { $1 }
            return JSON.text(try client.ask("state::get", input)["result"])
        }
    }

    @Test("What is gone is said to be; what is there is told, with an index and without")
    func trimmed() throws {
        let engine = EngineProcess(in: try Scratch(), Self.sizes)
        try engine.start()
        let client = try RawWorker.ready(engine)
        let first = try set(client, "k", "first")
        let revision = try set(client, "kept", "from the beginning")
        let recent = Array(try fill(client, until: first).suffix(10))
        for (function, input) in [
            ("state::changes", ["scope": "s", "after": max(0, first - 1)] as Envelope),
            ("state::history", Self.place.merging(["before": first + 1]) { $1 }),
        ] {
            let reply = try client.ask(function, input)
            #expect(code(of: reply) == "HISTORY_TRIMMED", "\(function): \(JSON.text(reply))")
        }
        // A value outlives the history around it.
        let kept = try client.ask("state::get", ["scope": "s", "key": "kept"])
        #expect(kept["result"] as? String == "from the beginning")
        let then = try client.ask("state::get", ["scope": "s", "key": "kept", "at": revision])
        #expect(then["result"] as? String == "from the beginning", "\(JSON.text(then))")
        try eventually("sealed segments have indexes") { () -> Void? in
            files(below: "\(engine.data)/idx").contains { $0.hasSuffix(".idx") } ? () : nil
        }
        let live = try told(client, recent)
        #expect(Set(live).count == 10 && live.allSatisfy { $0.hasPrefix("\"") })
        let reply = try client.ask("state::history", Self.place.merging(["limit": 10]) { $1 })
        let history = try #require(reply["result"] as? Envelope, "\(JSON.text(reply))")
        let entries = history["entries"] as? [Envelope] ?? []
        #expect(entries.map { $0["revision"] as? Int } == recent.reversed())
        #expect(history["oldest_offset"] as? Int ?? 0 > first)
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")

        try compareWithoutIndex(engine, first: first, last: try #require(recent.last))
        try engine.start()
        #expect(try told(try RawWorker.ready(engine), recent) == live)
        let verified = try engine.log("verify", "--semantic")
        #expect(verified.ending == .exit(0), "\(verified.all)")
    }

    private func compareWithoutIndex(_ engine: EngineProcess, first: Int, last: Int) throws {
        let byIndex = try engine.log("state", "get", "s", "k", "--at", "\(last)")
        #expect(byIndex.ending == .exit(0), "\(byIndex.all)")
        let lines = try engine.log("state", "history", "s", "k")
        try FileManager.default.removeItem(atPath: "\(engine.data)/idx")
        let whole = try engine.log("state", "get", "s", "k", "--at", "\(last)")
        #expect(whole.output == byIndex.output)
        #expect(try engine.log("state", "history", "s", "k").output == lines.output)
        let removed = try engine.log("state", "get", "s", "k", "--at", "\(first)")
        #expect(removed.ending != .exit(0) && removed.errors.contains("retention"))
    }
}
