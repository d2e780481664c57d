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
}
