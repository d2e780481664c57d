import Glibc

/// How much the processors did, to tell whether others disturbed a measurement.
struct Processors {
    /// Seconds of all processors together, also what a hypervisor took away.
    private let total: Double
    private let busy: Double
    /// Seconds of this program and of the servers that it started and stopped.
    private let own: Double

    /// The machine, for the head of a table.
    static var machine: String {
        let release = File.text("/proc/sys/kernel/osrelease").prefix { $0 != "\n" }
        return "\(count) processors, Linux \(release)"
    }

    static var count: Int { sysconf(Int32(_SC_NPROCESSORS_ONLN)) }

    init() {
        let line = File.text("/proc/stat").prefix { $0 != "\n" }
        let ticks = line.split(separator: " ").dropFirst().prefix(8).compactMap { Double($0) }
        let second = Double(sysconf(Int32(_SC_CLK_TCK)))
        total = ticks.reduce(0, +) / second
        // The fourth and fifth are idle time, and idle time with I/O under way.
        busy = total - ticks.dropFirst(3).prefix(2).reduce(0, +) / second
        own = Self.used()
    }

    /// The share of the processors (0...1) that others had since `before`.
    func share(ofOthersSince before: Processors) -> Double {
        guard total > before.total else { return 0 }
        return max(0, (busy - before.busy - (own - before.own)) / (total - before.total))
    }

    /// The share of the processors (0...1) that nobody used since `before`.
    func idleShare(since before: Processors) -> Double {
        guard total > before.total else { return 0 }
        return max(0, 1 - (busy - before.busy) / (total - before.total))
    }

    /// Processor seconds of this process and of its children that ended.
    private static func used() -> Double {
        var used = tms()
        times(&used)
        let ticks = used.tms_utime + used.tms_stime + used.tms_cutime + used.tms_cstime
        return Double(ticks) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}
