import Glibc

/// A storage over the files of a ``DataDirectory``: what its two kinds share, which is everything
/// but how a write reaches the device.
package protocol FileStorage: Storage, ~Copyable {
    var directory: DataDirectory { get }
    var waker: Waker { get }
}

extension FileStorage where Self: ~Copyable {
    package var path: String { directory.path }

    package func isInUse() throws(StorageError) -> Bool { try directory.isInUse() }
    package func lock() throws(StorageError) { try directory.lock() }
    package func arrange() throws(StorageError) { try directory.arrange() }

    package func segments() throws(StorageError) -> [SegmentFile] { try directory.segments() }

    package func read(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int {
        try directory.read(segment: segment, at: position, into: memory)
    }

    package func readManifest(
        slot: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) {
        try directory.readManifest(slot: slot, into: memory)
    }

    package func reopen(segment: UInt64) { directory.reopen(segment) }

    package func createSegment(_ number: UInt64, size: Int) throws(StorageError) {
        try directory.createSegment(number, size: size)
    }

    package func prepareSegment(_ number: UInt64, size: Int) {
        directory.prepareSegment(number, size: size, waker: waker)
    }

    package func preparation() -> Preparation { directory.preparation() }

    package func removeSegment(_ number: UInt64) throws(StorageError) {
        try directory.removeSegment(number)
    }

    package func resizeSegment(_ number: UInt64, to size: Int) throws(StorageError) {
        try directory.resizeSegment(number, to: size)
    }

    package func write(
        _ bytes: UnsafeRawBufferPointer,
        to target: WriteTarget,
        at position: Int
    ) throws(StorageError) {
        try directory.write(bytes, to: target, at: position)
    }

    package func sync(segment: UInt64) throws(StorageError) {
        try directory.sync(segment: segment)
    }

    package func release(segment: UInt64) { directory.release(segment: segment) }
}

/// The segments of a directory, for reading only: takes no lock and touches nothing. A directory
/// that holds no log is an error (`ENOENT` on its MANIFEST); one whose MANIFEST alone is missing is
/// read as if it were empty.
package struct ReadOnlyDirectory: SegmentSource, ~Copyable {
    private let directory: DataDirectory

    package init(path: String) { directory = DataDirectory(path: path) }

    package var path: String { directory.path }

    package func segments() throws(StorageError) -> [SegmentFile] { try directory.segments() }

    package func read(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int {
        try directory.read(segment: segment, at: position, into: memory)
    }

    package func reopen(segment: UInt64) { directory.reopen(segment) }

    /// The file that a segment is read from, for as long as nothing else is read.
    func descriptor(_ segment: UInt64) throws(StorageError) -> Int32 {
        try directory.readingDescriptor(segment).0
    }

    package func readManifest(
        slot: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) {
        guard try directory.isInUse() else {
            throw .system("open", path: "\(path)/MANIFEST", code: ENOENT)
        }
        try directory.readManifest(slot: slot, into: memory)
    }
}
