import Testing

@testable import Server

@Suite("What is in a directory")
struct DirectoryNamesTests {
    @Test("a folder without files is not one that is not there")
    func emptyAndMissing() throws {
        let workspace = try Workspace([:])
        #expect(namesInDirectory(workspace.path) == [])
        #expect(namesInDirectory("\(workspace.path)/none") == nil)
    }

    @Test("names are whole, from the shortest to the longest that there is")
    func names() throws {
        let longest = String(repeating: "n", count: 255)
        let workspace = try Workspace(["a": "", longest: ""])
        #expect(namesInDirectory(workspace.path)?.sorted() == ["a", longest])
        #expect(namesInDirectory("\(workspace.path)/a") == nil, "a file is no folder")
    }
}
