import CommitLog
import Disk
import Engine
import Foundation
import Primitives
import Testing

@testable import Server

/// Snapshots that reach further than the log that is there.
@Suite("Snapshots of a log that went on")
struct KeeperSnapshotTests {
    let keepers: KeeperTests
    var data: String { keepers.data }
    var folder: SnapshotFolder { SnapshotFolder(dataDirectory: data) }

    init() throws { keepers = try KeeperTests() }

    private func make(until end: Offset, of engine: UUID128) throws {
        var reader = LogReader(directory: data)
        var fold = SnapshotFold()
        try fold.fold(&reader, until: end)
        _ = try fold.write(to: folder, of: engine, isLast: true)
    }

    @Test("none is made on top of one that reaches beyond the log, and that one goes")
    func beyond() throws {
        let (bases, engine) = try keepers.fill(6)
        try make(until: bases[4], of: engine)
        let keeper = SnapshotKeeper(
            keepers.configuration,
            engine: engine,
            segment: 0,
            notify: keepers.report.notice,
            rewritten: {}
        )
        #expect(keeper.make(until: bases[2]))
        #expect(try folder.numbers() == [bases[2].rawValue])
    }

    @Test("a start counts what a snapshot knows, though MANIFEST and the rest of it are lost")
    func reach() throws {
        let (bases, engine) = try keepers.fill(4)
        try make(until: bases[3], of: engine)
        try FileManager.default.removeItem(atPath: "\(data)/MANIFEST")
        let whole = Snapshot.newest(for: keepers.configuration) { _ in }
        #expect(whole.start.next == bases[3])
        let name = SnapshotFolder.name(bases[3].rawValue)
        let url = URL(fileURLWithPath: "\(data)/snap/\(name)")
        var bytes = [UInt8](try Data(contentsOf: url))
        bytes[bytes.count - 1] ^= 1
        try Data(bytes).write(to: url)
        let damaged = Snapshot.newest(for: keepers.configuration) { _ in }
        #expect(damaged.start.next == .zero)
        #expect(damaged.start.reach == bases[3])
    }

    @Test("one of another log is no evidence of how far this one went")
    func foreign() throws {
        let (bases, engine) = try keepers.fill(4)
        try make(until: bases[3], of: UUID128(high: ~engine.high, low: engine.low))
        let snapshot = Snapshot.newest(for: keepers.configuration) { _ in }
        #expect(snapshot.start.next == .zero)
        #expect(snapshot.start.reach == .zero)
    }

    @Test("one that cannot be opened is told of, and the older one is used")
    func unopened() throws {
        let (bases, engine) = try keepers.fill(4)
        try make(until: bases[2], of: engine)
        let name = SnapshotFolder.name(bases[3].rawValue)
        let file = "\(data)/snap/\(name)"
        try FileManager.default.createSymbolicLink(atPath: file, withDestinationPath: "nowhere")
        var told: [String] = []
        let snapshot = Snapshot.newest(for: keepers.configuration) { told.append($0) }
        #expect(snapshot.start.next == bases[2])
        #expect(told.count == 1 && told.first?.contains("cannot be read") == true, "\(told)")
    }

    @Test("one under the name of another one is told of, and not used")
    func renamed() throws {
        let (bases, engine) = try keepers.fill(4)
        try make(until: bases[2], of: engine)
        let files = [bases[2], bases[3]].map { end in
            "\(data)/snap/\(SnapshotFolder.name(end.rawValue))"
        }
        try FileManager.default.moveItem(atPath: files[0], toPath: files[1])
        var told: [String] = []
        let snapshot = Snapshot.newest(for: keepers.configuration) { told.append($0) }
        #expect(snapshot.start.next == .zero)
        let text = "snapshot \(bases[3].rawValue) is damaged"
        #expect(told.count == 1 && told.first?.hasPrefix(text) == true, "\(told)")
    }

    @Test("what is numbered beyond the end of the log is kept aside, before the log comes past it")
    func aside() throws {
        let (bases, engine) = try keepers.fill(4)
        try make(until: bases[3], of: engine)
        var told: [String] = []
        Snapshot.setAside(above: bases[3], in: data) { told.append($0) }
        #expect(told.isEmpty)
        Snapshot.setAside(above: bases[2], in: data) { told.append($0) }
        #expect(told.count == 1)
        #expect(try folder.numbers().isEmpty)
        let name = SnapshotFolder.name(bases[3].rawValue)
        #expect(FileManager.default.fileExists(atPath: "\(data)/quarantine/\(name)"))
    }

    @Test("where the folder cannot be listed nobody says that there is one which reaches further")
    func unlisted() throws {
        let (bases, _) = try keepers.fill(2)
        try Data().write(to: URL(fileURLWithPath: "\(data)/snap"))
        var told: [String] = []
        Snapshot.setAside(above: bases[2], in: data) { told.append($0) }
        #expect(told.count == 1 && told.first?.contains("is not known: ") == true, "\(told)")
    }
}
