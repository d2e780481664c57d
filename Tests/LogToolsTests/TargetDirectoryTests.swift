import Foundation
import LogTools
import Testing

@Suite("The directory that a copy is written to")
struct TargetDirectoryTests {
    @Test("nobody else takes a copy before it has been checked")
    func locked() throws {
        let log = try StoredLog(Wound.long(), records: 3)
        let backup = "\(log.scratch.path)/backup"
        var codes: [ToolError.Code?] = []
        var pass = try log.pass
        try pass.report { _ in
            guard access("\(backup)/MANIFEST", F_OK) == 0 else { return }
            codes.append(codeOf { () throws(ToolError) in _ = try DirectoryLock(backup) })
        }
        _ = try LogCopy(pass, to: backup, isEmpty: true)
        #expect(!codes.isEmpty && codes.allSatisfy { $0 == .inUse })
        _ = try DirectoryLock(backup)
    }

    @Test("a link in the place of an interrupted copy goes, and not what it leads to")
    func linked() throws {
        let log = try StoredLog(Wound.long(), records: 3)
        let backup = "\(log.scratch.path)/backup"
        let other = "\(log.scratch.path)/other"
        for path in [backup, other] {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
        try Data([1]).write(to: URL(fileURLWithPath: "\(other)/file"))
        try FileManager.default.createSymbolicLink(
            atPath: "\(backup)/log.partial",
            withDestinationPath: other
        )
        _ = try LogCopy(try log.pass, to: backup, isEmpty: true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: other) == ["file"])
        let left = try FileManager.default.contentsOfDirectory(atPath: backup).sorted()
        #expect(left == ["LOCK", "MANIFEST", "log"])
    }
}
