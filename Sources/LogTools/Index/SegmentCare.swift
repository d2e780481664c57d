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
        package let header: SegmentHeader
        /// Where the next segment begins.
        package let end: Offset
        /// Whether it has no index that can be used.
        package let needsIndex: Bool
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

    /// The segments that were not found sound since `time`, those without an index first, each in
    /// the order of the log; a time in the future counts as none. Indexes of segments that are gone
    /// are removed.
    package func duties(since time: Timestamp, now: Timestamp) throws(ToolError) -> [Duty] {
        var reader = LogReader(source)
        do throws(LogError) {
            let headers = try reader.headers().map(\.header)
            do throws(StorageError) {
                try folder.keep(Set(headers.map(\.number)))
                var duties: [Duty] = []
                for (header, next) in zip(headers, headers.dropFirst())
                where header.number + 1 == next.number && header.base < next.base {
                    let index = try? SegmentIndex(folder, of: header, end: next.base)
                    let verified = try folder.verified(header.number)
                    let isRecent = verified.map { time < $0 && $0 <= now } ?? false
                    if index != nil, isRecent { continue }
                    let duty = Duty(header: header, end: next.base, needsIndex: index == nil)
                    duties.append(duty)
                }
                return duties.filter(\.needsIndex) + duties.filter { !$0.needsIndex }
            } catch {
                throw LogError.storage(error)
            }
        } catch {
            throw LogPass.converted(error)
        }
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
                    let bytes = indexer.finish(duty.header, end: duty.end, scan)
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
