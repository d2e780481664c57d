import Glibc
import Testing

@testable import Disk

@Suite("Threads of the system")
struct SystemThreadTests {
    @Test("so many can be had at once, or they cannot", .enabled(if: geteuid() == 0))
    func room() async {
        #expect(SystemThread.canStart(0) && SystemThread.canStart(16))
        await #expect(processExitsWith: .success) {
            // The limit does not count for root.
            try #require(setuid(4242) == 0)
            let number = __rlimit_resource_t(__RLIMIT_NPROC.rawValue)
            var limit = rlimit()
            try #require(getrlimit(number, &limit) == 0)
            let allowed = limit.rlim_cur
            limit.rlim_cur = 0
            try #require(setrlimit(number, &limit) == 0)
            let hasRoom = SystemThread.canStart(1)
            limit.rlim_cur = allowed
            try #require(setrlimit(number, &limit) == 0)
            #expect(!hasRoom)
        }
    }
}
