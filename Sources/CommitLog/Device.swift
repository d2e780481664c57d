import Disk
import Primitives
import RecordFormat

// The storage's errors as the log's: the one place where they are converted.

extension SegmentSource where Self: ~Copyable {
    mutating func listed() throws(LogError) -> [SegmentFile] {
        do throws(StorageError) { return try segments() } catch { throw .storage(error) }
    }

    mutating func load(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(LogError) -> Int {
        do throws(StorageError) {
            return try read(segment: segment, at: position, into: memory)
        } catch {
            throw .storage(error)
        }
    }

    /// The two slots of MANIFEST, read through `page`.
    mutating func loadManifest(
        slot: Int,
        through page: borrowing AlignedMemory
    ) throws(LogError) -> UnsafeRawBufferPointer {
        let memory = UnsafeMutableRawBufferPointer(rebasing: page.bytes[..<Layout.manifestSlot])
        do throws(StorageError) {
            try readManifest(slot: slot, into: memory)
        } catch {
            throw .storage(error)
        }
        return UnsafeRawBufferPointer(memory)
    }
}

/// A storage on which every failure is the log's.
struct Device<Store: Storage & ~Copyable>: ~Copyable {
    var store: Store

    init(_ store: consuming Store) { self.store = store }

    mutating func isInUse() throws(LogError) -> Bool {
        do throws(StorageError) { return try store.isInUse() } catch { throw .storage(error) }
    }

    mutating func lock() throws(LogError) {
        do throws(StorageError) { try store.lock() } catch { throw .storage(error) }
    }

    mutating func arrange() throws(LogError) {
        do throws(StorageError) { try store.arrange() } catch { throw .storage(error) }
    }

    mutating func createSegment(_ number: UInt64, size: Int) throws(LogError) {
        do throws(StorageError) {
            try store.createSegment(number, size: size)
        } catch {
            throw .storage(error)
        }
    }

    mutating func removeSegment(_ number: UInt64) throws(LogError) {
        do throws(StorageError) { try store.removeSegment(number) } catch { throw .storage(error) }
    }

    mutating func resizeSegment(_ number: UInt64, to size: Int) throws(LogError) {
        do throws(StorageError) {
            try store.resizeSegment(number, to: size)
        } catch {
            throw .storage(error)
        }
    }

    mutating func sync(segment: UInt64) throws(LogError) {
        do throws(StorageError) { try store.sync(segment: segment) } catch { throw .storage(error) }
    }

    mutating func write(
        _ bytes: UnsafeRawBufferPointer,
        to target: WriteTarget,
        at position: Int
    ) throws(LogError) {
        do throws(StorageError) {
            try store.write(bytes, to: target, at: position)
        } catch {
            throw .storage(error)
        }
    }

    mutating func submit(
        _ bytes: UnsafeRawBufferPointer,
        to target: WriteTarget,
        at position: Int,
        ticket: UInt64
    ) throws(LogError) {
        do throws(StorageError) {
            try store.submit(bytes, to: target, at: position, ticket: ticket)
        } catch {
            throw .storage(error)
        }
    }

    /// False: the segment cannot be opened.
    mutating func beginRead(
        _ segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer,
        ticket: UInt64
    ) -> Bool {
        do throws(StorageError) {
            try store.submitRead(segment: segment, at: position, into: memory, ticket: ticket)
            return true
        } catch {
            return false
        }
    }

    mutating func reap() throws(LogError) -> Completion? {
        do throws(StorageError) { return try store.reap() } catch { throw .storage(error) }
    }

    mutating func poll(nanoseconds: UInt64) -> Bool { store.poll(nanoseconds: nanoseconds) }

    mutating func wait(nanoseconds: UInt64?) throws(LogError) {
        do throws(StorageError) {
            try store.wait(nanoseconds: nanoseconds)
        } catch {
            throw .storage(error)
        }
    }
}

extension SegmentSource where Self: ~Copyable {
    /// The valid slot of MANIFEST with the larger generation, read through `page`; nil when neither
    /// is valid.
    ///
    /// - Throws: ``LogError/refused(path:_:)`` for a file of another kind or of a newer engine.
    mutating func newestManifest(
        through page: borrowing AlignedMemory
    ) throws(LogError) -> Manifest? {
        var newest: Manifest?
        var isForeign = false
        var isOurs = false
        for slot in 0..<2 {
            let bytes = try loadManifest(slot: slot, through: page)
            switch Manifest.read(bytes) {
            case .valid(let manifest):
                if manifest.generation >= newest?.generation ?? 0 { newest = manifest }
            case .refused(let refusal):
                throw .refused(path: "\(path)/MANIFEST", refusal)
            case .damaged:
                // The very first write may have been torn so that the mark is what it lacks.
                let isBlank = isZero(UnsafeRawBufferPointer(rebasing: bytes[..<8]))
                if Manifest.isMarked(bytes) || isBlank { isOurs = true } else { isForeign = true }
            case .zero:
                break
            }
        }
        if newest == nil, isForeign, !isOurs {
            throw .refused(path: "\(path)/MANIFEST", .foreign)
        }
        return newest
    }
}
