import Engine
import HTTPFunctions
import NIOCore
import NIOEmbedded
import Primitives
import Synchronization
import Testing

@testable import HTTPInvoker

/// Look-ups that end when the test says so.
private final class Resolving: Sendable {
    typealias Done = @Sendable ([IPAddress]) -> Void

    private let begun = Mutex<[(name: String, done: Done)]>([])

    var names: [String] { begun.withLock { $0.map(\.name) } }

    func run(_ name: String, _ done: @escaping Done) { begun.withLock { $0.append((name, done)) } }

    /// Ends the look-up of `name` that began first.
    func end(_ name: String, _ addresses: [IPAddress] = []) {
        let done = begun.withLock { begun -> Done? in
            guard let place = begun.firstIndex(where: { $0.name == name }) else { return nil }
            return begun.remove(at: place).done
        }
        done?(addresses)
    }
}

@Suite("Look-ups of names")
struct LookUpTests {
    private let loop = EmbeddedEventLoop()
    private let resolving = Resolving()
    private let lookUps: DNSLookups

    init() {
        lookUps = DNSLookups(threads: 4, share: 2, run: resolving.run)
    }

    private func ask(
        _ name: String,
        for owner: UInt64 = 1,
        until deadline: NIODeadline = .distantFuture
    ) -> EventLoopFuture<[IPAddress]> {
        let question = NameQuestion(
            name: name,
            owner: ConnectionID(loop: 0, number: owner),
            deadline: deadline
        )
        return lookUps.addresses(of: question, on: loop)
    }

    /// What it came to, without waiting for it; nil: nothing yet, or an error.
    private func answer(_ future: EventLoopFuture<[IPAddress]>) -> [IPAddress]? {
        var found: [IPAddress]?
        future.assumeIsolated().whenSuccess { found = $0 }
        loop.run()
        return found
    }

    private func isRefused(_ future: EventLoopFuture<[IPAddress]>) -> Bool {
        var isBusy = false
        future.assumeIsolated().whenFailure { isBusy = $0 is DNSLookups.Busy }
        loop.run()
        return isBusy
    }

    @Test("slow names of one connection leave threads for others")
    func shares() throws {
        for name in ["a", "b", "c", "d", "e"] { _ = ask(name, for: 1) }
        #expect(resolving.names == ["a", "b"])
        let other = ask("x", for: 2)
        #expect(resolving.names == ["a", "b", "x"])
        let address = try #require(IPAddress("1.1.1.1"))
        resolving.end("x", [address])
        #expect(answer(other) == [address])
        resolving.end("a")
        #expect(resolving.names == ["b", "c"], "in the order in which they came")
        for name in ["b", "c", "d", "e"] { resolving.end(name) }
        #expect(resolving.names.isEmpty)
    }

    @Test("whoever asks for a name that is being looked up waits for the same look-up")
    func joined() throws {
        let first = ask("a", for: 1)
        let second = ask("a", for: 2)
        #expect(resolving.names == ["a"])
        let address = try #require(IPAddress("1.1.1.1"))
        resolving.end("a", [address])
        #expect(answer(first) == [address])
        #expect(answer(second) == [address])
        _ = ask("a", for: 2)
        #expect(resolving.names == ["a"], "it is not kept")
        resolving.end("a")
    }

    @Test("what nobody wants to know any more is not begun")
    func late() throws {
        _ = ask("a")
        _ = ask("b")
        let late = ask("late", until: .uptimeNanoseconds(0))
        _ = ask("c")
        resolving.end("a")
        #expect(resolving.names == ["b", "c"])
        #expect(answer(late) == [])
        resolving.end("b")
        resolving.end("c")
    }

    @Test("so many questions of one connection are open, and no more")
    func bounded() throws {
        let asked = (0..<Limits.openLookUps).map { ask("n\($0)") }
        #expect(isRefused(ask("one more")))
        let other = ask("other", for: 2)
        #expect(resolving.names == ["n0", "n1", "other"])
        resolving.end("other")
        #expect(answer(other) == [])
        for number in 0..<Limits.openLookUps { resolving.end("n\(number)") }
        for future in asked { #expect(answer(future) == []) }
        _ = ask("again")
        #expect(resolving.names == ["again"])
        resolving.end("again")
    }
}
