package import Disk
package import Primitives
package import RecordFormat

/// Reads a log without owning it: takes no lock, changes nothing, and may look while an engine
/// appends. What it sees at the very end may not be synced yet; ``LogScan/mark`` is the offset
/// below which the log itself says that everything is.
///
/// Holds one window of a segment in memory, as large as the largest batch, at least 1 MiB.
package struct LogReader<Source: SegmentSource & ~Copyable>: ~Copyable {
    var source: Source

    package init(_ source: consuming Source) { self.source = source }

    /// Hands over every record from `start` on, oldest first, until `visit` throws, the log ends,
    /// or a segment begins at or behind `end`. The views are valid during the call.
    ///
    /// With an `entrance` the segment that it leads into is read from there on only. Unless it
    /// `needsHeaders`, a segment whose first page is lost is read as its batches tell it, and is no
    /// damage where they lack nothing. That the log ends before `reach` is damage.
    ///
    /// - Returns: what was seen. A torn tail is the batch being written, or one left by a crash.
    /// - Throws: ``LogError/damaged(_:)`` after the last record before the first damage;
    ///   ``LogError/undecodable(_:_:)`` when `visit` throws.
    package mutating func read(
        from start: Offset = .zero,
        until end: Offset = .max,
        reaching reach: Offset = .zero,
        through entrance: ScanStart? = nil,
        needsHeaders: Bool = true,
        _ visit: (RecordView) throws(DecodeError) -> Void
    ) throws(LogError) -> LogScan {
        let scan = try scan(
            from: start,
            until: end,
            reaching: reach,
            salvages: false,
            needsHeaders: needsHeaders,
            entrance: entrance,
            visit
        )
        guard scan.damages.isEmpty else { throw .damaged(scan.damages) }
        return scan
    }

    /// The identity of the engine whose log it is, as MANIFEST says, or the first segment with a
    /// header where that is lost, or that of another log; nil: nothing tells.
    package mutating func identity() throws(LogError) -> UUID128? {
        let page = AlignedMemory(capacity: Layout.page)
        let manifest = try source.newestManifest(through: page)
        var engines: [UUID128] = []
        for file in try source.listed() {
            guard case .valid(let header) = try firstPage(of: file, page) else { continue }
            guard let manifest, header.engine != manifest.engine else { return header.engine }
            engines.append(header.engine)
        }
        guard let manifest else { return nil }
        return manifest.isForeign(among: engines) ? engines.first : manifest.engine
    }

    /// The headers of the segments that were begun, in order; what has none, nor a batch that tells
    /// it, is passed over. And the footers of those that were written in one go, as far as the
    /// medium gives them.
    ///
    /// - Throws: ``LogError/storage(_:)`` where the medium gives neither a header nor a batch that
    ///   tells it: whoever went by none would take the segment before it for one that reaches
    ///   further.
    package mutating func headers() throws(LogError) -> [SegmentFrame] {
        let list = try frames()
        if let refusal = list.unreadable.lazy.compactMap({ $0.refusal }).first {
            throw .storage(refusal)
        }
        return list.frames
    }

    /// As ``headers()``, for whoever goes on beside a segment that cannot be read.
    package mutating func frames() throws(LogError) -> FrameList {
        let page = AlignedMemory(capacity: Layout.page)
        var list = FrameList()
        var unused: [SegmentFile] = []
        for file in try source.listed() {
            let known = list.count
            switch try firstPage(of: file, page) {
            case .valid(let header) where header.number == file.number:
                list.frames.append(try frame(header, file, page))
            case .refused:
                continue
            case .valid:
                list.unreadable.append(FrameList.Unreadable(file, nil))
            case .zero, .damaged:
                try addSalvaged(file, page, to: &list)
            }
            guard list.count > known else {
                unused.append(file)
                continue
            }
            // Only behind the segment that was begun last nothing is written yet.
            list.unreadable += unused.map { FrameList.Unreadable($0, nil) }
            unused = []
        }
        list.unreadable.sort { $0.number < $1.number }
        return list
    }

    /// A segment's first page; damaged, where the medium does not give it.
    private mutating func firstPage(
        of file: SegmentFile,
        _ page: borrowing AlignedMemory
    ) throws(LogError) -> PageReading<SegmentHeader> {
        do throws(LogError) {
            let count = try source.load(segment: file.number, at: 0, into: page.bytes)
            // What a short file lacks is zero, not what was read before.
            UnsafeMutableRawBufferPointer(rebasing: page.bytes[count...])
                .initializeMemory(as: UInt8.self, repeating: 0)
            return SegmentHeader.read(page.prefix(Layout.page))
        } catch .storage(let error) where error.isOfMedium {
            return .damaged
        }
    }

    /// Adds a segment whose first page is no header: with the one that its batches tell.
    private mutating func addSalvaged(
        _ file: SegmentFile,
        _ page: borrowing AlignedMemory,
        to list: inout FrameList
    ) throws(LogError) {
        var scanner = LogScanner<Source>(
            manifest: try source.newestManifest(through: page),
            salvages: true,
            isQuick: true
        )
        switch try scanner.state(of: file, &source) {
        case .begun(let header, let isSalvaged):
            var frame = try frame(header, file, page)
            frame.isHeaderLost = isSalvaged
            list.frames.append(frame)
        case .refused(_, let header?):
            var frame = try frame(header, file, page)
            frame.isHeaderLost = true
            list.frames.append(frame)
        case .refused(let error, nil):
            list.unreadable.append(FrameList.Unreadable(file, error))
        case .unreadable:
            list.unreadable.append(FrameList.Unreadable(file, nil))
        case .unused:
            break
        }
    }

    private mutating func frame(
        _ header: SegmentHeader,
        _ file: SegmentFile,
        _ page: borrowing AlignedMemory
    ) throws(LogError) -> SegmentFrame {
        var frame = SegmentFrame(header: header, fileBytes: file.size)
        do throws(LogError) {
            frame.footer = try footer(behind: header, in: file, page)
        } catch .storage(let error) where error.isOfMedium {
            frame.isFooterUnreadable = true
        }
        return frame
    }

    private mutating func footer(
        behind header: SegmentHeader,
        in file: SegmentFile,
        _ page: borrowing AlignedMemory
    ) throws(LogError) -> SegmentFooter? {
        let position = file.size - Layout.segmentFooter
        guard file.size == Int(clamping: header.size), position % Layout.page == 0,
            try source.load(segment: file.number, at: position, into: page.bytes) == Layout.page,
            case .valid(let footer) = SegmentFooter.read(page.prefix(Layout.page)),
            footer.number == header.number, footer.salt == header.salt
        else { return nil }
        return footer
    }

    /// Checks everything from `start` up to the segment that begins at `end`, and hands over every
    /// intact record, behind a damage as well.
    ///
    /// - Parameters:
    ///   - start: where a segment begins, or any offset.
    ///   - end: half-open.
    ///   - reach: a log that ends before it is damaged.
    ///   - indexSpacing: how dense the index is that the scan has, in bytes of batches.
    ///   - visit: gets views that are valid during the call.
    /// - Returns: all that is wrong, in the order of the log, in ``LogScan/damages``.
    /// - Throws: ``LogError/storage(_:)``; ``LogError/undecodable(_:_:)`` when `visit` throws.
    package mutating func verify(
        from start: Offset = .zero,
        until end: Offset = .max,
        reaching reach: Offset = .zero,
        indexSpacing: Int = OffsetIndex.spacing,
        _ visit: (RecordView) throws(DecodeError) -> Void = { _ in }
    ) throws(LogError) -> LogScan {
        try scan(
            from: start,
            until: end,
            reaching: reach,
            salvages: true,
            indexSpacing: indexSpacing,
            visit
        )
    }

    /// Checks structure only: headers, and how batches and segments follow each other. The bodies
    /// of batches are read in the last segment only, and counted elsewhere as unread.
    ///
    /// - Parameters:
    ///   - end: where a segment begins; it and what follows are not looked at.
    ///   - reach: a log that ends before it is damaged.
    /// - Returns: all that is wrong before, in the order of the log, in ``LogScan/damages``.
    /// - Throws: ``LogError/storage(_:)``.
    package mutating func survey(
        until end: Offset = .max,
        reaching reach: Offset = .zero
    ) throws(LogError) -> LogScan {
        try scan(from: .zero, until: end, reaching: reach, salvages: true, isQuick: true) { _ in }
    }

    private mutating func scan(
        from start: Offset,
        until end: Offset,
        reaching reach: Offset,
        salvages: Bool,
        isQuick: Bool = false,
        needsHeaders: Bool = true,
        entrance: ScanStart? = nil,
        indexSpacing: Int = OffsetIndex.spacing,
        _ visit: (RecordView) throws(DecodeError) -> Void
    ) throws(LogError) -> LogScan {
        let page = AlignedMemory(capacity: Layout.page)
        let manifest = try source.newestManifest(through: page)
        let scanner = LogScanner<Source>(
            manifest: manifest,
            from: start,
            until: end,
            reaching: reach,
            salvages: salvages,
            isQuick: isQuick,
            needsHeaders: needsHeaders,
            entrance: entrance,
            indexSpacing: indexSpacing
        )
        return try scanner.run(&source) { record throws(LogError) in
            do throws(DecodeError) {
                try visit(record)
            } catch {
                throw LogError.undecodable(record.offset, error)
            }
        }
    }
}

/// What stands around the batches of a segment.
package struct SegmentFrame: Equatable, Sendable {
    package let header: SegmentHeader
    /// Bytes of the file.
    package let fileBytes: Int
    /// Nil where the segment has none, or a damaged one.
    package internal(set) var footer: SegmentFooter?
    /// Whether the medium refused the place of its footer, so that nothing is known of it.
    package internal(set) var isFooterUnreadable = false
    /// Whether its first page is lost: number, salt and base are what its batches say, and nothing
    /// tells when it was begun.
    package internal(set) var isHeaderLost = false

    /// As it was listed.
    package var file: SegmentFile { SegmentFile(number: header.number, size: fileBytes) }
}

/// The segments of a log, as far as their first pages tell, or else their batches.
package struct FrameList: Equatable, Sendable {
    /// In order. Where a number is missing nothing tells how far the segment before reaches.
    package internal(set) var frames: [SegmentFrame] = []
    /// Those that hold something of which nothing tells what, in order.
    package internal(set) var unreadable: [Unreadable] = []

    /// How many segments are here.
    fileprivate var count: Int { frames.count + unreadable.count }

    package struct Unreadable: Equatable, Sendable {
        package let number: UInt64
        /// Bytes of the file.
        package let fileBytes: Int
        /// What the medium said; nil: it gave something else than what was written.
        package let refusal: StorageError?

        /// As it was listed.
        package var file: SegmentFile { SegmentFile(number: number, size: fileBytes) }

        init(_ file: SegmentFile, _ refusal: StorageError?) {
            number = file.number
            fileBytes = file.size
            self.refusal = refusal
        }
    }
}

extension LogReader where Source == ReadOnlyDirectory {
    /// A reader of the log in a data directory.
    package init(directory: String) { self.init(ReadOnlyDirectory(path: directory)) }
}
