import CommitLog
import Disk
import Events
import Folding
import Foundation
import LogTools
import Primitives
import RecordFormat
import Testing

/// One way to damage a log of several segments.
enum Wound: String, CaseIterable, Sendable {
    case recordInBatch, batchHeader, lastBatch, segmentHeader, missingSegment, emptyHeader
    case foreignSegment, lostTail, wholeSegment, missingOldest, wholeOldest

    /// Three records a batch, so that a batch has intact ones beside a damaged one.
    static func log() throws -> StoredLog { try StoredLog(long(), records: 3) }

    static func long() -> Story {
        var story = Story.hello()
        for index in 0..<60 {
            let message = story.enqueue("default", "f", at: 10 + Double(index), cause: nil)
            let delivery = story.deliver(message, of: "default", at: 10.5 + Double(index))
            story.ack(delivery, message, of: "default", at: 10.7 + Double(index))
        }
        // The last batch is full, too.
        for _ in 0..<2 { story.log("end", "s", at: 100) }
        return story
    }

    func strike(_ log: StoredLog) throws {
        let page = 4096
        switch self {
        case .recordInBatch:
            // Behind header, time and the first record's own header.
            try log.change(segment: 1) { $0[page * 2 + 64 + 8 + 20] ^= 1 }
        case .batchHeader:
            try log.change(segment: 1) { $0[page * 3 + 30] ^= 1 }
        case .lastBatch:
            try log.changeLast { bytes, end in bytes[end - page + 80] ^= 1 }
        case .segmentHeader:
            try log.change(segment: 2) { $0[40] ^= 1 }
        case .emptyHeader:
            try log.change(segment: 2) { bytes in
                bytes.replaceSubrange(0..<page, with: [UInt8](repeating: 0, count: page))
            }
        case .missingSegment:
            try FileManager.default.removeItem(atPath: log.segmentPaths[2])
        case .foreignSegment:
            let paths = try log.segmentPaths
            try FileManager.default.removeItem(atPath: paths[2])
            try FileManager.default.copyItem(atPath: paths[1], toPath: paths[2])
        case .lostTail:
            try log.changeLast { bytes, end in
                let range = end - 2 * page..<end
                bytes.replaceSubrange(range, with: [UInt8](repeating: 0, count: 2 * page))
            }
        case .missingOldest:
            try FileManager.default.removeItem(atPath: log.segmentPaths[0])
        case .wholeSegment, .wholeOldest:
            try log.change(segment: self == .wholeOldest ? 0 : 1) { bytes in
                for place in stride(from: 0, to: bytes.count, by: 512) { bytes[place + 9] ^= 0xFF }
            }
        }
    }
}

extension StoredLog {
    /// Changes the segment written last; `body` learns where its batches end.
    func changeLast(_ body: (inout [UInt8], Int) -> Void) throws {
        let scan = try pass.verify { _ in }
        let last = try #require(scan.spans.last)
        try change(segment: Int(last.header.number)) { body(&$0, last.position) }
    }

    /// Puts a snapshot beside it that is whole, and says that the log went on to `end`. Its body, a
    /// page of it, tells of nothing. It is of `engine`, or of the log itself.
    func addSnapshot(_ end: Offset, of engine: UUID128? = nil) throws {
        let scan = try pass.verify { _ in }
        let own = try #require(scan.spans.first).header.engine
        let body = [UInt8](repeating: 7, count: 4096)
        let header = SnapshotHeader(
            engine: engine ?? own,
            next: end,
            lastTime: Story.start,
            records: end.rawValue,
            bodyLength: UInt64(body.count),
            bodyChecksum: body.withUnsafeBytes { Checksum.crc32c($0) }
        )
        var page = [UInt8](repeating: 0, count: 4096)
        page.withUnsafeMutableBytes { header.write(to: $0) }
        let file = try SnapshotFolder(dataDirectory: path).create(end.rawValue)
        let isWritten = body.withUnsafeBytes { file.append($0) }
        try #require(isWritten)
        try page.withUnsafeBytes { try file.finish(head: $0) }
    }

    /// Every record, by its offset.
    func records() throws -> [Offset: LogRecord] { try LogToolsTests.records(of: pass) }
}

/// The views as a start without a snapshot makes them.
func fold(_ log: StoredLog) throws -> Views {
    var views = Views(cacheBytes: 0)
    var reader = LogReader(directory: log.path)
    _ = try reader.read { record throws(DecodeError) in try views.apply(record) }
    return views
}

func records(of pass: LogPass) throws -> [Offset: LogRecord] {
    var records: [Offset: LogRecord] = [:]
    _ = try pass.verify { records[$0.offset] = LogRecord($0) }
    return records
}

/// What an engine finds that opens a directory, and one record more.
func reopened(_ path: String) throws -> (records: [Offset: LogRecord], report: RecoveryReport) {
    var records: [Offset: LogRecord] = [:]
    var random = SeededEntropy(seed: 3)
    var log = try CommitLog(
        opening: LogClaim(PlainStorage(path: path, waker: try Waker())),
        options: LogOptions(segmentBytes: 64 << 10, firstSegmentBytes: 64 << 10),
        entropy: &random,
        now: Story.start
    ) { records[$0.offset] = LogRecord($0) }
    let report = log.recovery
    let offset = try log.append(kind: 112, time: Story.start, trace: nil, cause: nil) { _ in }
    #expect(offset == report.next)
    try log.close()
    return (records, report)
}
