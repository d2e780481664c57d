import Glibc
import NIOCore
import Primitives
import Testing

@testable import IIISDK

@Suite("Parts of the SDK", .timeLimit(.minutes(1)))
struct PartsTests {
    @Test("addresses are read, and wrong ones explained")
    func addresses() throws {
        let plain = try EngineAddress("ws://engine")
        #expect((plain.host, plain.port, plain.target) == ("engine", 49134, "/"))
        let full = try EngineAddress("ws://10.0.0.1:80/a/b?token=x#y")
        #expect((full.host, full.port, full.target) == ("10.0.0.1", 80, "/a/b?token=x"))
        let query = try EngineAddress("ws://[::1]:8080?token=x")
        #expect((query.host, query.port, query.target) == ("::1", 8080, "/?token=x"))
        #expect(query.authority == "[::1]:8080")
        // Tokens are not for messages.
        #expect("\(full)" == "ws://10.0.0.1:80/a/b")
        #expect("\(query)" == "ws://[::1]:8080")
        for wrong in [
            "wss://engine", "http://engine", "ws://", "ws://:80", "ws://a:b", "ws://a:0",
            "ws://a:70000", "ws://user@a", "ws://[::1",
        ] {
            let error = #expect(throws: SDKError.self, "\(wrong)") { try EngineAddress(wrong) }
            #expect(error?.code == .invalidAddress)
            #expect(error?.message.contains(wrong) == true)
        }
    }

    @Test("why there is no connection is told in words, and whether a token is missing")
    func reasons() {
        let refused = IOError(errnoCode: ECONNREFUSED, reason: "connection reset (error set)")
        #expect(
            Dialer.failure(refused, "no way there")
                == SDKError(code: .cannotConnect, message: "no way there: Connection refused (111)")
        )
        let codes: [(UInt, SDKError.Code)] = [
            (401, .unauthorized), (403, .unauthorized), (404, .cannotConnect),
            (421, .unauthorized),
        ]
        for (status, code) in codes {
            let error = Dialer.failure(Dialer.Refusal(status: status, reason: "No"), "no way there")
            #expect(error.code == code)
            #expect(error.message.hasPrefix("no way there: it answered \(status) No"))
            #expect(error.message.contains("III_TOKEN") == [401, 421].contains(status))
        }
    }

    @Test("delays double up to their limit, give or take the jitter")
    func backoff() {
        let seed: UInt64 = 0xBACC
        var entropy = SeededEntropy(seed: seed)
        let backoff = Backoff()
        for (attempt, seconds) in [(1, 1.0), (2, 2), (3, 4), (5, 16), (6, 30), (500, 30)] {
            for _ in 0..<100 {
                let delay = backoff.delay(after: attempt, using: &entropy) / .seconds(seconds)
                #expect((0.7...1.3).contains(delay), "seed \(seed), attempt \(attempt)")
            }
        }
    }

    @Test("a termination signal is a request, and counted; also to a worker after the last one")
    func signals() async {
        for _ in 0..<2 {
            let counts = Feed<Int>()
            let ready = Feed<Void>()
            let signals = TerminationSignals(whenReady: { ready.put(()) }) { counts.put($0) }
            await ready.next()
            kill(getpid(), SIGTERM)
            #expect(await counts.next() == 1)
            kill(getpid(), SIGTERM)
            #expect(await counts.next() == 2)
            signals.ignore()
        }
    }
}
