import Foundation
import Testing

extension Programs {
    /// Several live workers that register the same function share its calls.
    @Suite("Replicas")
    struct BalanceTests {}
}

extension Programs.BalanceTests {
    @Test("Three replicas get equal shares; the death of one fails its own calls and nothing else")
    func replicas() throws {
        let engine = try EngineProcess.started()
        let client = try RawWorker.ready(engine)
        let names = ["a", "b", "c"]
        let replicas = try names.map { try AnySDKWorker(sdk: "0.25.0", name: $0, engine: engine) }
        try eventually("three replicas that are warm", within: 90) { () -> Void? in
            for replica in replicas { try replica.process.check() }
            let served = try shares(client, calls: 60, atOnce: 12)
            return names.allSatisfy { served[$0, default: 0] >= 15 } ? () : nil
        }

        // A replica that the machine gives less time to gets less work, and rightly so: one round
        // of three may be like that.
        let calls = 300
        let fair = Double(calls) / Double(names.count)
        let rounds = try (1...3).map { _ in try shares(client, calls: calls, atOnce: 12) }
        let isFair = rounds.map { served in
            names.allSatisfy { abs(Double(served[$0, default: 0]) - fair) <= 0.1 * fair }
        }
        #expect(isFair.count { $0 } >= 2, "\(rounds)")
        try death(of: replicas[2], named: "c", client)
    }

    /// Kills a replica with work in its hands and in the queue.
    private func death(of replica: AnySDKWorker, named name: String, _ client: RawWorker) throws {
        let work = (0..<150).map { "job-\($0)" }
        for key in work {
            let action: Envelope = ["type": "enqueue", "queue": "default"]
            let reply = try client.ask("any::slow", ["key": key], action: action)
            try #require(reply["error"] == nil, "\(JSON.text(reply))")
        }
        var calls = try Set((0..<60).map { _ in try client.call("any::slow", [:]) })
        // Once it has answered one, it has others.
        var answers: [Envelope] = []
        while !answers.contains(where: { $0["result"] as? String == name }) {
            answers.append(try reply(client, to: &calls))
        }
        replica.process.kill9()
        while !calls.isEmpty { answers.append(try reply(client, to: &calls)) }

        let failed = answers.filter { $0["error"] != nil }
        #expect(!failed.isEmpty && failed.count <= 25, "\(failed.count) of 60")
        #expect(failed.allSatisfy { code(of: $0) == "invocation_stopped" }, "\(failed)")
        for _ in 1...6 {
            let later = try client.ask("any::slow", [:])
            #expect(["a", "b"].contains(later["result"] as? String), "\(JSON.text(later))")
        }
        try eventually("all queued work is done", within: 90) { () -> Void? in
            let list = try client.ask("state::list", ["scope": "any"])
            return (list["result"] as? [Any])?.count == work.count ? () : nil
        }
        let stats = try client.ask("engine::queue::topic_stats", ["topic": "default"])
        let result = try #require(stats["result"] as? Envelope, "\(JSON.text(stats))")
        #expect(result["dlq_depth"] as? Int == 0, "\(JSON.text(stats))")
    }

    /// Calls, `atOnce` of them in flight, and counts by whom each was answered.
    private func shares(_ client: RawWorker, calls: Int, atOnce: Int) throws -> [String: Int] {
        var open: Set<String> = []
        var served: [String: Int] = [:]
        for _ in 0..<calls {
            open.insert(try client.call("any::slow", [:]))
            if open.count == atOnce { try count(reply(client, to: &open)) }
        }
        while !open.isEmpty { try count(reply(client, to: &open)) }
        return served

        func count(_ reply: Envelope) {
            served[reply["result"] as? String ?? code(of: reply), default: 0] += 1
        }
    }

    /// The next answer to any of the calls.
    private func reply(_ client: RawWorker, to calls: inout Set<String>) throws -> Envelope {
        let open = calls
        let reply = try client.next("an answer") {
            ($0["invocation_id"] as? String).map(open.contains) == true
        }
        calls.remove(reply["invocation_id"] as? String ?? "")
        return reply
    }
}
