import Disk
import Foundation
import Testing

/// Where data would not last, an operator is told.
@Suite struct FileSystemTests {
    @Test("memory, other machines and containers are told apart from disks")
    func kinds() throws {
        #expect(FileSystem(number: 0x0102_1994) == .memory("tmpfs"))
        #expect(FileSystem(number: 0x6969) == .network("nfs"))
        #expect(FileSystem(number: 0xFF53_4D42) == .network("cifs"))
        #expect(FileSystem(number: 0x794C_7630) == .container("overlay"))
        // ext4, XFS, Btrfs.
        for number: UInt32 in [0xEF53, 0x5846_5342, 0x9123_683E] {
            #expect(FileSystem(number: number) == .local)
            #expect(FileSystem(number: number).warning(path: "data") == nil)
        }
        let warning = try #require(FileSystem.memory("tmpfs").warning(path: "/x/data"))
        #expect(warning.hasPrefix("/x/data is on tmpfs"))
        #expect(warning.contains("does not survive a power cut"))
    }

    @Test("what the system says of a directory is read")
    func asked() throws {
        // Every Linux has its processes there, and they are neither memory nor a disk.
        #expect(try FileSystem(of: "/proc") == .local)
        #expect(throws: StorageError.self) { try FileSystem(of: "/proc/there-is-none") }
        let mounts = try String(contentsOfFile: "/proc/mounts", encoding: .utf8)
        let inMemory = mounts.split(separator: "\n").map { $0.split(separator: " ") }
            .first { $0.count > 2 && $0[2] == "tmpfs" && $0[1].hasPrefix("/dev/") }
        if let inMemory {
            #expect(try FileSystem(of: String(inMemory[1])) == .memory("tmpfs"))
        }
    }
}
