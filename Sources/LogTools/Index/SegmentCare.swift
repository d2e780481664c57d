package import CommitLog
package import Disk
package import Primitives
package import RecordFormat

/// Looks after the sealed segments of a log: reads them whole now and then, so that what the medium
/// has lost is known before it is needed, and makes the indexes that are missing. It changes
/// nothing but what is in `idx/`.
///
/// The engine's file thread owns it; whoever has the directory may use it.
package struct SegmentCare {
    /// A segment that ought to be read.
    package struct Duty: Equatable, Sendable {
        /// Of one that has none left, number and base are all that is known: the base is that of
        /// some record in it.
        package let header: SegmentHeader
        /// Where the next segment begins that can be read.
        package let end: Offset
        /// Whether it has no index that can be used.
        package let needsIndex: Bool

        init(header: SegmentHeader, end: Offset, needsIndex: Bool) {
            self.header = header
            self.end = end
            self.needsIndex = needsIndex
        }

        /// To see what an unreadable segment costs, before the one that begins at `end`.
        init(_ segment: FrameList.Unreadable, end: Offset) {
            let header = SegmentHeader(
                number: segment.number,
                base: Offset(end.rawValue - 1),
                salt: 0,
                engine: UUID128(high: 0, low: 0),
                created: Timestamp(nanoseconds: 0),
                size: UInt64(segment.fileBytes)
            )
            self.init(header: header, end: end, needsIndex: false)
        }
    }

    /// What became of a segment that was read.
    package enum Outcome: Equatable, Sendable {
        case sound
        case damaged([Damage])
    }

    private let source: LogSource
    private let folder: IndexFolder

    /// Care for a log, whose indexes are in `folder`.
    package init(_ pass: LogPass, _ folder: IndexFolder) {
        source = pass.source
        self.folder = folder
    }

    /// The segments that were not found sound since `time`, and those that have no header any more:
    /// those without an index first, each in the order of the log; a time in the future counts as
    /// none. Indexes of segments that are gone are removed.
    package func duties(since time: Timestamp, now: Timestamp) throws(ToolError) -> [Duty] {
        var reader = LogReader(source)
        do throws(LogError) {
            let list = try reader.frames()
            do throws(StorageError) {
                let numbers = list.frames.map(\.header.number) + list.unreadable.map(\.number)
                try folder.keep(Set(numbers))
                var duties: [Duty] = []
                for (frame, next) in zip(list.frames, list.frames.dropFirst()) {
                    let duty = try duty(frame, next.header, since: time, now)
                    if let duty { duties.append(duty) }
                }
                for segment in list.unreadable {
                    let next = list.frames.first { $0.header.number > segment.number }
                    guard let end = next?.header.base, end > .zero else { continue }
                    duties.append(Duty(segment, end: end))
                }
                return duties.filter(\.needsIndex) + duties.filter { !$0.needsIndex }
            } catch {
                throw LogError.storage(error)
            }
        } catch {
            throw LogPass.converted(error)
        }
    }

    /// Nil: it holds nothing, or was found sound.
    private func duty(
        _ frame: SegmentFrame,
        _ next: SegmentHeader,
        since time: Timestamp,
        _ now: Timestamp
    ) throws(StorageError) -> Duty? {
        let header = frame.header
        guard header.base < next.base else { return nil }
        let index = try? SegmentIndex(folder, of: header, end: next.base)
        // Where the segment behind it is missing or unreadable, only its batches say where it ends.
        let isFollowed = header.number + 1 == next.number
        let verified = try folder.verified(header.number)
        let isRecent = verified.map { time < $0 && $0 <= now } ?? false
        let isKnown = isRecent && (index != nil || !isFollowed)
        if isKnown, !frame.isHeaderLost { return nil }
        return Duty(header: header, end: next.base, needsIndex: index == nil)
    }

    /// Reads one segment whole and checks every checksum; makes its index, or notes in it that it
    /// is sound.
    package func attend(to duty: Duty, now: Timestamp) throws(ToolError) -> Outcome {
        var reader = LogReader(source.salvaging())
        var indexer = SegmentIndexer(base: duty.header.base)
        do throws(LogError) {
            let scan = try reader.verify(
                from: duty.header.base,
                until: duty.end,
                indexSpacing: Layout.page
            ) { record in
                if duty.needsIndex { indexer.take(record) }
            }
            let damages = scan.damages.filter { $0.segment == duty.header.number }
            guard damages.isEmpty else { return .damaged(damages) }
            // Retention may have put another one in its place: that one comes next.
            guard let span = scan.spans.last, span.header == duty.header else { return .sound }
            do throws(StorageError) {
                if duty.needsIndex {
                    let bytes = indexer.finish(duty.header, end: span.end, scan)
                    try folder.write(duty.header.number, bytes, verified: now)
                } else {
                    try folder.note(duty.header.number, verified: now)
                }
            } catch {
                throw LogError.storage(error)
            }
            return .sound
        } catch {
            throw LogPass.converted(error)
        }
    }
}
