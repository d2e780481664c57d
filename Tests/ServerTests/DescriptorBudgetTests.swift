import Primitives
import Testing

@testable import Server

@Suite("How file descriptors are shared out")
struct DescriptorBudgetTests {
    private func divide(_ limit: Int, _ wanted: Int...) -> DescriptorBudget? {
        let takers = wanted.enumerated().map { number, wanted in
            DescriptorBudget.Taker(name: "taker \(number)", wanted: wanted)
        }
        return DescriptorBudget(limit: limit, reserve: 300, takers: takers)
    }

    @Test("where there are enough, each gets what it wants, and nothing is said")
    func enough() throws {
        let budget = try #require(divide(100_000, 20_000, 20_000, 1000, 0))
        #expect(budget.grants.map(\.most) == [20_000, 20_000, 1000, 0])
        #expect(budget.grants.map(\.own) == [128, 128, 128, 0])
        #expect(budget.notice == nil)
        // Just enough is enough.
        let exact = try #require(divide(41_300, 20_000, 20_000, 1000, 0))
        #expect(exact.grants.map(\.most) == [20_000, 20_000, 1000, 0])
        #expect(exact.notice == nil)
    }

    @Test("where there are too few, all together have the rest, and each some of its own")
    func tight() throws {
        let budget = try #require(divide(8000, 20_000, 20_000, 20_000, 1024))
        #expect(budget.grants.map(\.own) == [128, 128, 128, 128])
        #expect(budget.shared == 8000 - 300 - 4 * 128)
        // One may have nearly all, where the others do not ask.
        #expect(budget.grants.map(\.most) == [7316, 7316, 7316, 1024])
        let notice = try #require(budget.notice)
        for part in [
            "8000 file descriptors (RLIMIT_NOFILE)", "at most 7700", "where 61024 are allowed",
            "taker 0: at most 7316 connections, not 20000", "http.max_connections", "ulimit -Hn",
        ] {
            #expect(notice.contains(part), "\(part) is missing: \(notice)")
        }
        #expect(!notice.contains("taker 3"))
        // With more than half of what they want nobody is told: each may have that, if not all.
        let ample = try #require(divide(20_000, 20_000, 20_000, 20_000, 1024))
        #expect(ample.grants.map(\.most) == [19_316, 19_316, 19_316, 1024])
        #expect(ample.notice == nil)
    }

    @Test("connections never get what is kept back", arguments: [20, 64, 500, 4096, 1 << 20])
    func reserve(wanted: Int) throws {
        for limit in 300..<2000 {
            guard let budget = divide(limit, wanted, 20_000, 7, wanted) else { continue }
            let owns = budget.grants.map(\.own)
            let together = owns.reduce(0, +) + budget.shared
            #expect(together <= limit - 300, "of \(limit)")
            for grant in budget.grants {
                #expect(grant.own <= grant.most && grant.most <= grant.taker.wanted)
                #expect(grant.most <= grant.own + budget.shared)
                // Whatever the others do.
                #expect(grant.own >= min(grant.taker.wanted, 8))
            }
        }
    }

    @Test("with too few there is no start, and the refusal says how many it takes")
    func tooFew() {
        #expect(divide(363, 20_000, 20_000, 20_000, 1024) == nil)
        #expect(divide(364, 20_000, 20_000, 20_000, 1024) != nil)
        #expect(divide(10, 1) == nil)
        let text = DescriptorBudget.refusal(limit: 363, reserve: 300, takers: 4)
        #expect(text.contains("may have 363 file descriptors"))
        #expect(text.contains("at least 364"))
    }

    @Test("the takers are all listeners, and requests to functions elsewhere")
    func takers() throws {
        var settings = try configuration(
            toml: """
                [http]
                max_connections = 40

                [[worker_listener]]
                address = "127.0.0.1:0"
                """
        )
        let report = Report(isJSON: false, least: .error)
        func shared(limit: Int) throws(ServeError) -> Descriptors {
            try Descriptors(settings, limit: limit, loops: 2, report)
        }
        let many = try shared(limit: 1 << 20)
        #expect(many.workers.map(\.most) == [20_000, 20_000])
        #expect(many.http.most == 40)
        #expect(many.stream.most == 20_000)
        #expect(many.dashboard.most == 1024)
        #expect(many.outbound.most == 2048)
        settings.observability.dashboard = false
        #expect(try shared(limit: 1 << 20).dashboard.most == 0)
        // Five listeners: 128 + 4 * 2 + 32 * 5 are kept back, and six kinds have 16 each.
        let least = 296 + 6 * 16
        _ = try shared(limit: least)
        let error = #expect(throws: ServeError.self) { _ = try shared(limit: least - 1) }
        #expect(error?.code == "process.file_limit")
        #expect(error?.kind == .configuration)
        #expect(error?.message.contains("at least \(least)") == true)
    }

    @Test("what one takes is missing to all, but for what is their own")
    func pool() throws {
        let settings = try configuration(toml: "")
        let report = Report(isJSON: false, least: .error)
        let limit = DescriptorBudget.reserve(loops: 1, listeners: 4) + 1000
        let all = try Descriptors(settings, limit: limit, loops: 1, report)
        var taken = 0
        while all.stream.share.take() { taken += 1 }
        #expect(taken == all.stream.most)
        #expect(taken == 1000 - 4 * 100)
        var others = 0
        for part in all.workers + [all.http, all.dashboard, all.outbound] {
            while part.share.take() { others += 1 }
        }
        #expect(others == 4 * 100)
        all.stream.share.give()
        #expect(all.http.share.take())
    }
}
