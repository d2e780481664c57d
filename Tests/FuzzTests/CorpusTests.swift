import Foundation
import FuzzTargets
import Testing

/// Every input that `make fuzz` kept, through the target that it was kept for.
@Suite("Fuzz corpus")
struct CorpusTests {
    private static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fuzz/corpus")

    @Test("every target takes its corpus", arguments: FuzzTarget.all.map(\.name))
    func replay(name: String) throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        let folder = Self.folder.appending(path: name)
        let inputs = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(!inputs.isEmpty)
        for input in inputs {
            let bytes = try Data(contentsOf: folder.appending(path: input))
            if let finding = bytes.withUnsafeBytes({ target.run($0) }) {
                Issue.record("\(name)/\(input): \(finding)")
            }
        }
    }

    @Test("every folder of the corpus is a target's")
    func folders() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
        #expect(Set(names) == Set(FuzzTarget.all.map(\.name)))
    }
}
