import Primitives
import Testing

@Suite("Shares of file descriptors")
struct DescriptorShareTests {
    private func take(_ share: DescriptorShare, most: Int = 100) -> Int {
        var count = 0
        while count < most, share.take() { count += 1 }
        return count
    }

    @Test("each has its own, and the rest is whose it is first")
    func shares() {
        let pool = DescriptorPool(5)
        let first = DescriptorShare(own: 2, of: pool)
        let second = DescriptorShare(own: 3, of: pool)
        #expect(take(first) == 7)
        #expect(take(second) == 3, "its own are left to it")
        #expect(!first.take())
    }

    @Test("what is given back is there for all, but for what is somebody's own")
    func returns() {
        let pool = DescriptorPool(2)
        let first = DescriptorShare(own: 2, of: pool)
        let second = DescriptorShare(own: 1, of: pool)
        #expect(take(first) == 4)
        #expect(take(second) == 1)
        first.give()
        #expect(second.take())
        first.give()
        #expect(second.take())
        // Of these nobody else has any use.
        first.give()
        first.give()
        #expect(!second.take())
        #expect(take(first) == 2)
        for _ in 0..<3 { second.give() }
        #expect(take(first) == 2)
    }
}
