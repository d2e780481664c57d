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
        let rounds = 20_000
        let here = try Waker()
        let there = try Waker()
        let board = Board(here: here, there: there, rounds: rounds)
        var thread = pthread_t()
        let context = Unmanaged.passRetained(board)
        pthread_create(&thread, nil, { context in
            guard let context else { return nil }
            Unmanaged<Board>.fromOpaque(context).takeRetainedValue().answer()
            return nil
        }, context.toOpaque())
        for round in 1...rounds {
            board.ball.store(2 * round - 1, ordering: .relaxed)
            there.wake()
            // A lost ring would leave both asleep: the limit turns that into a failure.
            while board.ball.load(ordering: .relaxed) < 2 * round, !board.isStuck {
                board.rest(here, until: 2 * round)
            }
        }
        pthread_join(thread, nil)
        #expect(!board.isStuck)
        #expect(board.ball.load(ordering: .relaxed) == 2 * rounds)
    }

    @Test("the ring sleeps through nothing: both storages wake for a ring from another thread")
    func storages() throws {
        let waker = try Waker()
        let plain = PlainStorage(path: "/nowhere", waker: waker)
        waker.wake()
        plain.wait(nanoseconds: nil)
        do throws(StorageError) {
            let ring = try UringStorage(path: "/nowhere", waker: waker)
            waker.wake()
            try ring.wait(nanoseconds: nil)
            try ring.wait(nanoseconds: 1000)
        } catch .ringUnavailable {
            return
        }
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
    func rest(_ waker: Waker, until value: Int) {
        var before = timespec()
        clock_gettime(CLOCK_MONOTONIC, &before)
        waker.sleep(nanoseconds: 10_000_000_000)
        var after = timespec()
        clock_gettime(CLOCK_MONOTONIC, &after)
        if after.tv_sec - before.tv_sec > 8, ball.load(ordering: .relaxed) < value {
            stuck.store(true, ordering: .relaxed)
        }
    }

    func answer() {
        for round in 1...rounds {
            while ball.load(ordering: .relaxed) < 2 * round - 1, !isStuck {
                rest(there, until: 2 * round - 1)
            }
            ball.store(2 * round, ordering: .relaxed)
            here.wake()
        }
    }
}
