import Disk
import Primitives
import RecordFormat

/// The segments that a log had at one look, for whoever reads some of them without the others.
struct LogListing {
    let files: [SegmentFile]
    private let pass: LogPass
    private let manifest: Manifest?

    /// What one segment holds, and where it ends.
    struct Part {
        /// Of its file and the next one's.
        fileprivate let places: Range<Int>
        let base: Offset
        /// Where the next one begins; the end of time for the last one.
        let end: Offset
    }

    init(_ pass: LogPass) throws(ToolError) {
        self.pass = pass
        // Before the files: a segment that it knows must be among them.
        manifest = try pass.manifest()
        files = try pass.files()
    }

    // MARK: Parts

    /// The log in parts of a segment each, by one look at their first pages; nil where these are
    /// not those of a sound log. What follows the last one that was begun belongs to it.
    func parts() throws(ToolError) -> [Part]? {
        let page = AlignedMemory(capacity: Layout.page)
        var headers: [SegmentHeader] = []
        for (place, file) in files.enumerated() {
            guard let header = try pass.header(of: file.number, page) else { continue }
            guard place == headers.count, header.number == file.number,
                header.engine == manifest?.engine ?? header.engine,
                follows(header, headers.last)
            else { return nil }
            headers.append(header)
        }
        guard !headers.isEmpty else { return nil }
        return headers.indices.map { place in
            let isLast = place == headers.count - 1
            return Part(
                places: place..<(isLast ? files.count : place + 2),
                base: headers[place].base,
                end: isLast ? .max : headers[place + 1].base
            )
        }
    }

    private func follows(_ header: SegmentHeader, _ last: SegmentHeader?) -> Bool {
        guard let last else { return header.number == manifest?.oldestSegment ?? header.number }
        return header.number == last.number + 1 && header.base >= last.base
    }

    /// A pass over one part: read it up to its end.
    func section(of part: Part) -> LogPass { section(at: part.places) }

    // MARK: Sections

    /// A pass over the segments from `first` on, which there must be, or over all; up to `last`,
    /// which is there to say where the one before ends.
    func section(
        from first: UInt64?,
        upTo last: UInt64? = nil
    ) throws(ToolError) -> LogPass {
        let start = try first.map { number throws(ToolError) in try place(of: number) } ?? 0
        let end = try last.map { number throws(ToolError) in try place(of: number) + 1 }
        return section(at: start..<(end ?? files.count))
    }

    private func place(of number: UInt64) throws(ToolError) -> Int {
        guard let place = files.firstIndex(where: { $0.number == number }) else {
            let name = DataDirectory.segmentName(number)
            throw ToolError(.unreadable, "\(pass.path)/log/\(name) was there, and is gone")
        }
        return place
    }

    private func section(at places: Range<Int>) -> LogPass {
        var known = manifest
        if places.lowerBound > 0 { known?.oldestSegment = files[places.lowerBound].number }
        // What is behind it is not missing.
        if places.upperBound < files.count { known?.active = nil }
        return LogPass(LogSection(source: pass.source, files: files[places], manifest: known))
    }
}

/// Neighbouring segments of a log, as if there were no others.
private struct LogSection: SegmentSource {
    let source: LogSource
    let files: ArraySlice<SegmentFile>
    let manifest: Manifest?

    var path: String { source.path }

    func segments() -> [SegmentFile] { Array(files) }

    func read(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int {
        try source.read(segment: segment, at: position, into: memory)
    }

    func reopen(segment: UInt64) { source.reopen(segment: segment) }

    func lookAgain() { source.lookAgain() }

    func readManifest(slot: Int, into memory: UnsafeMutableRawBufferPointer) {
        memory.initializeMemory(as: UInt8.self, repeating: 0)
        // One of the two slots is enough.
        if slot == 0 { manifest?.write(to: memory) }
    }
}

extension LogSource {
    /// Some neighbours among the segments, in order, as if there were no others: what is read of
    /// them costs the same however many there are. `manifest` is that of the log.
    ///
    /// The last one is there to say where the one before ends; where one is left out between them,
    /// a pass finds it missing.
    func section(of files: [SegmentFile], _ manifest: Manifest?) -> LogSource {
        var known = manifest
        if let first = files.first { known?.oldestSegment = first.number }
        // What is behind them is not missing.
        known?.active = nil
        return LogSource(LogSection(source: self, files: files[...], manifest: known))
    }
}

extension LogPass {
    /// The valid slot of MANIFEST that was written last; nil: there is none.
    func manifest() throws(ToolError) -> Manifest? {
        let page = AlignedMemory(capacity: Layout.manifestSlot)
        let memory = UnsafeMutableRawBufferPointer(rebasing: page.bytes[..<Layout.manifestSlot])
        var newest: Manifest?
        do throws(StorageError) {
            for slot in 0..<2 {
                try source.readManifest(slot: slot, into: memory)
                guard case .valid(let found) = Manifest.read(UnsafeRawBufferPointer(memory)) else {
                    continue
                }
                if found.generation >= newest?.generation ?? 0 { newest = found }
            }
        } catch {
            throw ToolError(.unreadable, error.description)
        }
        return newest
    }

    /// The header of the file that is a segment by now, read through `page`; nil: it has none, or
    /// none that can be read.
    func header(
        of segment: UInt64,
        _ page: borrowing AlignedMemory
    ) throws(ToolError) -> SegmentHeader? {
        let memory = UnsafeMutableRawBufferPointer(rebasing: page.bytes[..<Layout.page])
        memory.initializeMemory(as: UInt8.self, repeating: 0)
        source.reopen(segment: segment)
        do throws(StorageError) {
            _ = try source.salvaging().read(segment: segment, at: 0, into: memory)
        } catch {
            throw ToolError(.unreadable, error.description)
        }
        guard case .valid(let header) = SegmentHeader.read(UnsafeRawBufferPointer(memory)) else {
            return nil
        }
        return header
    }

    /// The salts of the files that these segments are by now, as far as their headers can be read:
    /// each file that is put in another one's place has one of its own.
    func salts(
        of segments: some Sequence<UInt64>
    ) throws(ToolError) -> [UInt64: UInt64] {
        let page = AlignedMemory(capacity: Layout.page)
        var salts: [UInt64: UInt64] = [:]
        for segment in segments { salts[segment] = try header(of: segment, page)?.salt }
        return salts
    }
}
