package import CommitLog
package import Disk
package import Folding
package import Primitives
package import RecordFormat

/// The views at an offset, as the log below it makes them: what a start goes on from, instead of
/// reading every record again.
package struct Snapshot {
    package var views: Views
    /// What the log need not read again.
    package var start: LogStart

    /// What the views of nothing need to know.
    package struct Settings: Sendable {
        package var maxValueBytes: Int?
        package var cacheBytes: Int

        package init(maxValueBytes: Int? = nil, cacheBytes: Int = .max) {
            self.maxValueBytes = maxValueBytes
            self.cacheBytes = cacheBytes
        }
    }

    /// The snapshot of an empty log.
    package init(_ settings: Settings) {
        views = Views(maxValueBytes: settings.maxValueBytes, cacheBytes: settings.cacheBytes)
        start = LogStart()
    }

    /// - Throws: ``DecodeError`` for what no ``SnapshotFold`` has written.
    package init(_ image: SnapshotImage, _ settings: Settings) throws(DecodeError) {
        let memory = try image.work()
        var work = ByteReader(memory.prefix(image.workLength))
        var state = image.state()
        let index = try OffsetIndex(from: &work)
        views = try Views(
            work: &work,
            state: &state,
            maxValueBytes: settings.maxValueBytes,
            cacheBytes: settings.cacheBytes
        )
        guard work.isAtEnd, state.isAtEnd else {
            throw DecodeError(position: work.position, expected: "the end of the snapshot")
        }
        start = image.start(index)
        // The log goes on from here: an index that is further belongs to another.
        guard index.lastBase.map({ $0 < start.next }) ?? true else {
            throw DecodeError(position: 0, expected: "an index of what is folded")
        }
    }

    /// The newest snapshot of the log `engine` that is whole, and ends below `bound` where there is
    /// one, made into something by `body`; `skipped` is told of those that are not. Nil: there is
    /// none.
    package static func newest<Value: ~Copyable>(
        in folder: SnapshotFolder,
        of engine: UUID128,
        below bound: Offset? = nil,
        skipped: (String) -> Void = { _ in },
        _ body: (SnapshotImage) throws(DecodeError) -> Value
    ) -> Value? {
        do throws(StorageError) {
            for number in try folder.numbers() where bound.map({ number < $0.rawValue }) ?? true {
                let file: StoredSnapshot
                do throws(StorageError) {
                    file = try folder.open(number)
                } catch {
                    skipped("snapshot \(number) cannot be read: \(error); an older one is used")
                    continue
                }
                let image = SnapshotImage(size: file.size, of: engine, file.read)
                if let image, image.next.rawValue == number {
                    do throws(DecodeError) { return try body(image) } catch {}
                }
                skipped(
                    "snapshot \(number) is damaged, of another version or of another log; an older "
                        + "one is used"
                )
            }
        } catch {
            skipped("snapshots cannot be read: \(error)")
        }
        return nil
    }
}
