import Primitives
import Testing

@testable import State

@Suite("Values in memory")
struct ValueCacheTests {
    @Test("A key that is written again and again leaves no trail, and what is kept stays known")
    func overwritten() {
        let still = StatePlace(scope: Name("s"), key: Name("still"))
        let busy = StatePlace(scope: Name("s"), key: Name("busy"))
        var cache = ValueCache(bytes: 1 << 20)
        cache.kept(10, at: still, version: Offset(1))
        cache.kept(10, at: busy, version: Offset(2))
        for version in UInt64(3)...10_000 {
            cache.dropped(10, version: Offset(version - 1))
            cache.kept(10, at: busy, version: Offset(version))
            cache.tidy()
            cache.checkInvariants([10, 10])
        }
        var left: [(place: StatePlace, version: Offset)] = []
        while let (place, version) = cache.oldest() { left.append((place, version)) }
        #expect(left.count <= 2 * 2 + 1024)
        #expect(left.first.map { $0.place == still && $0.version == Offset(1) } == true)
        #expect(left.last.map { $0.place == busy && $0.version == Offset(10_000) } == true)
        #expect(left.map(\.version) == left.map(\.version).sorted())
    }

    @Test("What is overwritten among values that must go leaves no trail either")
    func evicted() {
        let busy = StatePlace(scope: Name("s"), key: Name("busy"))
        let other = StatePlace(scope: Name("s"), key: Name("other"))
        var cache = ValueCache(bytes: 4096)
        cache.kept(10, at: busy, version: Offset(1))
        for version in stride(from: UInt64(3), to: 100_000, by: 2) {
            cache.dropped(10, version: Offset(version - 2))
            cache.kept(10, at: busy, version: Offset(version))
            // Never written again: in memory until it is the oldest.
            cache.kept(10, at: other, version: Offset(version + 1))
            while cache.isOverfull, let (place, _) = cache.oldest() {
                if place == other { cache.evicted(10) }
            }
            cache.tidy()
            #expect(cache.remembered < 4096)
        }
    }
}
