import Disk
import Testing

@Suite("The folder of snapshots")
struct SnapshotFolderTests {
    private let directory = TemporaryDirectory()
    private let folder: SnapshotFolder
    private let page = [UInt8](repeating: 7, count: 4096)

    init() { folder = SnapshotFolder(dataDirectory: directory.path) }

    private var names: [String] { TemporaryDirectory.names("\(directory.path)/snap") }

    private func make(_ number: UInt64) throws {
        let file = try folder.create(number)
        try page.withUnsafeBytes { try file.finish(head: $0) }
    }

    @Test("nothing is left of one that comes to nothing")
    func unfinished() throws {
        try make(1)
        func begin() throws {
            let file = try folder.create(2)
            let isTaken = page.withUnsafeBytes { file.append($0) }
            #expect(isTaken)
            withExtendedLifetime(file) { #expect(names.count == 2) }
        }
        try begin()
        #expect(names == ["00000000000000000001.snap"])
    }

    @Test("what a process left that ended meanwhile is removed, and nothing else")
    func leftovers() throws {
        try folder.removeUnfinished()
        try make(1)
        TemporaryDirectory.create("\(directory.path)/snap/00000000000000000002.snap.tmp")
        try folder.removeUnfinished()
        #expect(names == ["00000000000000000001.snap"])
    }

    @Test("those that are wanted stay, whatever their numbers")
    func keep() throws {
        for number in UInt64(1)...5 { try make(number) }
        try folder.keep { $0 == 2 || $0 == 4 }
        #expect(try folder.numbers() == [4, 2])
    }
}
