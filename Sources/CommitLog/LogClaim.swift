package import Disk
import RecordFormat

/// A data directory that is this engine's own until the process ends, and whose log is not open
/// yet.
///
/// What the log goes on from (``LogStart``) is chosen only when the directory is claimed: under
/// another engine snapshots come and go, and with them the records that an older one needs.
package struct LogClaim<Store: Storage & ~Copyable>: ~Copyable {
    var device: Device<Store>

    /// - Throws: ``LogError/storage(_:)`` where another engine has the directory or it is no
    ///   engine's, ``LogError/refused(path:_:)`` where it is of a newer one. When it throws, the
    ///   directory is as it was, but for its lock.
    package init(_ store: consuming Store) throws(LogError) {
        var device = Device(store)
        if try device.isInUse() { try Self.refuseForeign(&device) }
        try device.lock()
        self.device = device
    }

    /// Throws for a directory of a newer engine, before anything is touched.
    private static func refuseForeign(_ device: inout Device<Store>) throws(LogError) {
        let page = AlignedMemory(capacity: Layout.page)
        _ = try device.store.newestManifest(through: page)
        for file in try device.store.listed() where file.size >= Layout.page {
            do throws(LogError) {
                _ = try device.store.load(segment: file.number, at: 0, into: page.bytes)
            } catch .storage(let error) where error.isOfMedium {
                // Whether the segment is needed only the pass over all of them tells.
                continue
            }
            if case .refused(let refusal) = SegmentHeader.read(page.prefix(Layout.page)) {
                let name = DataDirectory.segmentName(file.number)
                throw .refused(path: "\(device.store.path)/log/\(name)", refusal)
            }
        }
    }
}
