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
        /// What is looked at: its file, behind that of the segment before, if there is one, and
        /// before that which begins at `end`. Others that cannot be read are left out.
        let files: [SegmentFile]

        init(header: SegmentHeader, end: Offset, needsIndex: Bool, files: [SegmentFile]) {
            self.header = header
            self.end = end
            self.needsIndex = needsIndex
            self.files = files
        }

        /// To see what an unreadable segment costs, before the one that begins at `end`.
        init(_ segment: FrameList.Unreadable, end: Offset, files: [SegmentFile]) {
            let header = SegmentHeader(
                number: segment.number,
                base: Offset(end.rawValue - 1),
                salt: 0,
                engine: UUID128(high: 0, low: 0),
                created: Timestamp(nanoseconds: 0),
                size: UInt64(segment.fileBytes)
            )
            self.init(header: header, end: end, needsIndex: false, files: files)
        }
    }

    /// What became of a segment that was read.
    package enum Outcome: Equatable, Sendable {
        case sound
        case damaged([Damage])
    }

    private let pass: LogPass
    private let folder: IndexFolder

    /// Care for a log, whose indexes are in `folder`.
    package init(_ pass: LogPass, _ folder: IndexFolder) {
        self.pass = pass
        self.folder = folder
    }

    /// The segments that were not found sound since `time`, and those that have no header any more:
    /// those without an index first, each in the order of the log; a time in the future counts as
    /// none. Indexes of segments that are gone are removed.
    package func duties(since time: Timestamp, now: Timestamp) throws(ToolError) -> [Duty] {
        var reader = LogReader(pass.source)
        do throws(LogError) {
            let list = try reader.frames()
            let frames = list.frames
            do throws(StorageError) {
                let numbers = frames.map(\.header.number) + list.unreadable.map(\.number)
                try folder.keep(Set(numbers))
                var duties: [Duty] = []
                for place in frames.indices.dropLast() {
                    let duty = try duty(place, frames, since: time, now)
                    if let duty { duties.append(duty) }
                }
                for segment in list.unreadable {
                    let behind = frames.firstIndex { $0.header.number > segment.number }
                    guard let behind, frames[behind].header.base > .zero else { continue }
                    let before = frames[..<behind].suffix(1).map(\.file)
                    let files = before + [segment.file, frames[behind].file]
                    duties.append(Duty(segment, end: frames[behind].header.base, files: files))
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
        _ place: Int,
        _ frames: [SegmentFrame],
        since time: Timestamp,
        _ now: Timestamp
    ) throws(StorageError) -> Duty? {
        let (header, next) = (frames[place].header, frames[place + 1].header)
        guard header.base < next.base else { return nil }
        let index = try? SegmentIndex(folder, of: header, end: next.base)
        // Where the segment behind it is missing or unreadable, only its batches say where it ends.
        let isFollowed = header.number + 1 == next.number
        let verified = try folder.verified(header.number)
        let isRecent = verified.map { time < $0 && $0 <= now } ?? false
        let isKnown = isRecent && (index != nil || !isFollowed)
        if isKnown, !frames[place].isHeaderLost { return nil }
        let files = frames[max(0, place - 1)...place + 1].map(\.file)
        return Duty(header: header, end: next.base, needsIndex: index == nil, files: files)
    }

    /// Reads one segment whole, and of its neighbours little, and checks every checksum; makes its
    /// index, or notes in it that it is sound.
    package func attend(to duty: Duty, now: Timestamp) throws(ToolError) -> Outcome {
        let manifest = try pass.manifest()
        let section = pass.source.section(of: duty.files, manifest)
        var reader = LogReader(section.salvaging())
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
