import Testing

@testable import Disk

@Suite("The ring")
struct RingTests {
    @Test("one that the kernel refuses leaves nothing behind that would be given back twice")
    func refused() {
        for _ in 0..<20 {
            do throws(StorageError) {
                // More entries than any ring may have; some kernels give none at all.
                _ = try Ring(entries: .max)
                Issue.record("it was made")
            } catch {
                guard case .ringUnavailable = error else {
                    Issue.record("\(error)")
                    return
                }
            }
        }
    }
}
