import Disk
import Glibc

/// The storage of a log whose batches are written in one of many ways.
struct TrialStorage: FileStorage, ~Copyable {
    let directory: DataDirectory
    let waker: Waker
    let backend: String
    private let isDirect: Bool
    private let isSynced: Bool
    private let writer: any BatchWriter
    /// The segment that is written, and its file.
    private var open: (segment: UInt64, file: Int32)?
    private var inFlight: UInt64?
    private var finished: [Completion] = []

    init(_ way: Way, _ writer: any BatchWriter, path: String, waker: Waker) {
        directory = DataDirectory(path: path)
        self.waker = waker
        self.writer = writer
        backend = way.name
        isDirect = way.isDirect
        isSynced = way.opensSynced
    }

    deinit {
        if let open { close(open.file) }
    }

    mutating func submit(
        _ bytes: UnsafeRawBufferPointer,
        to target: WriteTarget,
        at position: Int,
        ticket: UInt64
    ) throws(StorageError) {
        guard case .segment(let number) = target else {
            try write(bytes, to: target, at: position)
            return finished.append(Completion(ticket: ticket, failure: nil))
        }
        writer.begin(bytes, to: try file(number), at: position)
        inFlight = ticket
    }

    func submitRead(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer,
        ticket: UInt64
    ) {
        preconditionFailure("nothing is read back while ways to write are measured")
    }

    mutating func reap() -> Completion? {
        harvest(waits: false)
        return finished.isEmpty ? nil : finished.removeFirst()
    }

    mutating func wait(nanoseconds: UInt64?) {
        harvest(waits: inFlight != nil)
        if finished.isEmpty, inFlight == nil { waker.sleep(nanoseconds: nanoseconds) }
    }

    func drain() {
        guard inFlight != nil else { return }
        while writer.end(waits: true) == nil {}
    }

    private mutating func harvest(waits: Bool) {
        guard let ticket = inFlight, let code = writer.end(waits: waits) else { return }
        inFlight = nil
        let failure = code == 0 ? nil : StorageError.system("write", path: path, code: code)
        finished.append(Completion(ticket: ticket, failure: failure))
    }

    private mutating func file(_ number: UInt64) throws(StorageError) -> Int32 {
        if let open, open.segment == number { return open.file }
        if let open { close(open.file) }
        open = nil
        let name = "\(path)/log/\(DataDirectory.segmentName(number))"
        var flags = O_WRONLY
        if isDirect { flags |= DeviceFloor.oDirect }
        if isSynced { flags |= O_DSYNC }
        let file = Glibc.open(name, flags)
        guard file >= 0 else { throw .system("open", path: name, code: errno) }
        open = (number, file)
        return file
    }
}
