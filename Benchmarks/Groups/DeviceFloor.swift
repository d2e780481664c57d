import Glibc

/// What the device does for one thread that overwrites 4 KiB of a zero-filled file and waits until
/// they are on the medium: no program that syncs one write at a time is faster.
enum DeviceFloor {
    static let bench = "device sync, 4 KiB"
    static let buffered = "pwrite + fdatasync"
    static let direct = "pwrite, O_DIRECT | O_DSYNC"

    private static let block = 4096
    private static let fileBytes = 64 << 20

    // Swift's Glibc module does not show it, and its value is the processor's.
    #if arch(arm64)
    private static let oDirect: Int32 = 0o200000
    #else
    private static let oDirect: Int32 = 0o40000
    #endif

    static func run(_ settings: Settings, _ row: (Measurement) -> Void) throws(Failure) {
        let scratch = try Scratch(in: settings.scratch)
        let path = "\(scratch.path)/floor"
        try fillWithZeros(path)
        row(try measure(buffered, path, O_WRONLY, syncs: true, settings.plan))
        let flags = O_WRONLY | O_DSYNC | oDirect
        row(try measure(direct, path, flags, syncs: false, settings.plan))
    }

    private static func fillWithZeros(_ path: String) throws(Failure) {
        let descriptor = open(path, O_WRONLY | O_CREAT, 0o600)
        guard descriptor >= 0 else { throw .systemCall("open", path) }
        defer { close(descriptor) }
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        for _ in 0..<(fileBytes / zeros.count) {
            guard write(descriptor, zeros, zeros.count) == zeros.count else {
                throw .systemCall("write", path)
            }
        }
        guard fsync(descriptor) == 0 else { throw .systemCall("fsync", path) }
    }

    private static func measure(
        _ system: String,
        _ path: String,
        _ flags: Int32,
        syncs: Bool,
        _ plan: Plan
    ) throws(Failure) -> Measurement {
        let descriptor = open(path, flags)
        guard descriptor >= 0 else { throw .systemCall("open", path) }
        defer { close(descriptor) }
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: block, alignment: block)
        defer { bytes.deallocate() }
        bytes.initializeMemory(as: UInt8.self, repeating: 0x5a)
        var meter = Meter(plan)
        var position = 0
        var now = Monotonic.now()
        while !meter.isOver(at: now) {
            let start = now
            guard pwrite(descriptor, bytes.baseAddress, block, position) == block else {
                throw .systemCall("pwrite", path)
            }
            if syncs, fdatasync(descriptor) != 0 { throw .systemCall("fdatasync", path) }
            position = (position + block) % fileBytes
            now = Monotonic.now()
            meter.complete(start: start, now: now)
        }
        return Measurement(bench, system, clients: "1", meter)
    }
}
