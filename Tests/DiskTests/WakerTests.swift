import Disk
import Glibc
import Synchronization
import Testing

@Suite("The waker")
struct WakerTests {
    @Test("a ring before the sleep ends it at once")
    func before() throws {
        let waker = try Waker()
        waker.wake()
        #expect(!waker.prepareToSleep())
        #expect(waker.prepareToSleep())
        waker.wokeUp()
    }

    @Test("no ring is lost between two threads that hand a number back and forth")
    func pingPong() throws {
        let waker = try Waker()
        try play(waker) { waker.sleep(nanoseconds: $0) }
    }

    @Test("nor when one of them looks for it before it sleeps")
    func pingPongPolled() throws {
        let waker = try Waker()
        let plain = PlainStorage(path: "/nowhere", waker: waker)
        try play(waker) { limit in
            if !plain.poll(nanoseconds: 20_000) { plain.wait(nanoseconds: limit) }
        }
    }

    @Test("who looks finds one ring once, and goes on when the time is over")
    func poll() throws {
        let waker = try Waker()
        waker.wake()
        #expect(waker.poll(nanoseconds: 60_000_000_000) { false })
        #expect(!waker.poll(nanoseconds: 1000) { false })
        #expect(waker.poll(nanoseconds: 60_000_000_000) { true })
        #expect(waker.prepareToSleep(), "nobody rang since")
    }

    @Test("nor when one of them sleeps in an io_uring", .enabled(if: hasRing))
    func pingPongInRing() throws {
        let waker = try Waker()
        let storage = try UringStorage(path: "/nowhere", waker: waker)
        try play(waker) { try storage.wait(nanoseconds: $0) }
        try play(waker) { limit in
            if !storage.poll(nanoseconds: 20_000) { try storage.wait(nanoseconds: limit) }
        }
    }

    /// Plays against a second thread; `sleep` is how this one waits for at most so many
    /// nanoseconds.
    private func play(_ here: Waker, _ sleep: (UInt64) throws -> Void) throws {
        let board = Board(here: here, there: try Waker(), rounds: 10_000)
        var thread = pthread_t()
        let context = Unmanaged.passRetained(board)
        let answer: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = {
            guard let context = $0 else { return nil }
            Unmanaged<Board>.fromOpaque(context).takeRetainedValue().answer()
            return nil
        }
        pthread_create(&thread, nil, answer, context.toOpaque())
        for round in 1...board.rounds {
            board.ball.store(2 * round - 1, ordering: .relaxed)
            board.there.wake()
            // A lost ring would leave both asleep: the limit turns that into a failure.
            while board.ball.load(ordering: .relaxed) < 2 * round, !board.isStuck {
                try board.rest(until: 2 * round, sleep)
            }
        }
        pthread_join(thread, nil)
        #expect(!board.isStuck)
        #expect(board.ball.load(ordering: .relaxed) == 2 * board.rounds)
    }

    @Test("a storage of plain calls wakes for a ring from another thread")
    func plain() throws {
        let waker = try Waker()
        let plain = PlainStorage(path: "/nowhere", waker: waker)
        waker.wake()
        plain.wait(nanoseconds: nil)
    }

    @Test("a storage of io_uring does as well, and then sleeps", .enabled(if: hasRing))
    func uring() throws {
        let waker = try Waker()
        let ring = try UringStorage(path: "/nowhere", waker: waker)
        waker.wake()
        try ring.wait(nanoseconds: nil)
        try ring.wait(nanoseconds: 1000)
    }
}

/// What the two threads share.
private final class Board: Sendable {
    let ball = Atomic(0)
    private let stuck = Atomic(false)
    let here: Waker
    let there: Waker
    let rounds: Int

    init(here: Waker, there: Waker, rounds: Int) {
        self.here = here
        self.there = there
        self.rounds = rounds
    }

    var isStuck: Bool { stuck.load(ordering: .relaxed) }

    /// Sleeps for at most ten seconds; nobody rang when it takes that long.
    func rest(until value: Int, _ sleep: (UInt64) throws -> Void) rethrows {
        var before = timespec()
        clock_gettime(CLOCK_MONOTONIC, &before)
        try sleep(10_000_000_000)
        var after = timespec()
        clock_gettime(CLOCK_MONOTONIC, &after)
        if after.tv_sec - before.tv_sec > 8, ball.load(ordering: .relaxed) < value {
            stuck.store(true, ordering: .relaxed)
        }
    }

    func answer() {
        for round in 1...rounds {
            while ball.load(ordering: .relaxed) < 2 * round - 1, !isStuck {
                rest(until: 2 * round - 1) { there.sleep(nanoseconds: $0) }
            }
            ball.store(2 * round, ordering: .relaxed)
            here.wake()
        }
    }
}
