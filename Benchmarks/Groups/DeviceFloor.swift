import Glibc

/// What the device does for one thread that overwrites 4 KiB of a zero-filled file and waits until
/// they are on the medium: no program that syncs one write at a time is faster.
enum DeviceFloor {
    static let bench = "device sync, 4 KiB"

    private static let block = 4096
    private static let fileBytes = 64 << 20

    // Swift's Glibc module does not show it, and its value is the processor's.
    #if arch(arm64)
    static let oDirect: Int32 = 0o200000
    #else
    static let oDirect: Int32 = 0o40000
    #endif

    static func run(_ settings: Settings, _ row: (Measurement) -> Void) throws(Failure) {
        let scratch = try Scratch(in: settings.scratch)
        let path = "\(scratch.path)/floor"
        try fillWithZeros(path)
        for way in [Way.buffered, .writeThrough] {
            let meter = try measure(way, path, bytes: block, settings.plan)
            row(Measurement(bench, way.rawValue, clients: "1", meter))
        }
    }

    /// How one thread overwrites a block and has it on the medium.
    enum Way: String, CaseIterable {
        case buffered = "pwrite + fdatasync"
        case direct = "pwrite, O_DIRECT + fdatasync"
        case writeThrough = "pwrite, O_DIRECT | O_DSYNC"

        var flags: Int32 {
            switch self {
            case .buffered: O_WRONLY
            case .direct: O_WRONLY | oDirect
            case .writeThrough: O_WRONLY | O_DSYNC | oDirect
            }
        }
    }

    /// Makes the file that is overwritten.
    static func fillWithZeros(_ path: String) throws(Failure) {
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

    /// Overwrites the file from its beginning to its end, again and again, `block` bytes at a time.
    static func measure(
        _ way: Way,
        _ path: String,
        bytes block: Int,
        _ plan: Plan
    ) throws(Failure) -> Meter {
        let descriptor = open(path, way.flags)
        guard descriptor >= 0 else { throw .systemCall("open", path) }
        defer { close(descriptor) }
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: block, alignment: 4096)
        defer { bytes.deallocate() }
        bytes.initializeMemory(as: UInt8.self, repeating: 0x5a)
        var meter = Meter(plan)
        var position = 0
        var now = Monotonic.now()
        while !meter.isOver(at: now) {
            let start = now
            guard pwrite(descriptor, bytes.baseAddress, block, off_t(position)) == block else {
                throw .systemCall("pwrite", path)
            }
            if way != .writeThrough, fdatasync(descriptor) != 0 {
                throw .systemCall("fdatasync", path)
            }
            position += block
            if position + block > fileBytes { position = 0 }
            now = Monotonic.now()
            meter.complete(start: start, now: now)
        }
        return meter
    }
}
