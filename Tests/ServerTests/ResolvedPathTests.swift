import Glibc
import Testing

@testable import Server

@Suite("How the system comes to what is at a path")
struct ResolvedPathTests {
    /// With `one/f`, and a link `now` to `one`.
    private func workspace() throws -> (Workspace, String) {
        let workspace = try Workspace()
        let resolved = try #require(realpath(workspace.path, nil))
        defer { free(resolved) }
        let path = String(cString: resolved)
        for name in ["one", "two"] { try #require(mkdir("\(path)/\(name)", 0o700) == 0) }
        try #require(symlink("one", "\(path)/now") == 0)
        close(open("\(path)/one/f", O_WRONLY | O_CREAT, 0o600))
        return (workspace, path)
    }

    @Test("a link on the way counts, and where it leads")
    func links() throws {
        let (workspace, path) = try workspace()
        let way = ResolvedPath(to: "\(path)/now/f")
        #expect(way.links == [path])
        #expect(way.end == "\(path)/one")
        #expect(way.passed.isSuperset(of: [path, "\(path)/one"]))
        #expect(!way.passed.contains("\(path)/now"))
        #expect(way.isWhole)
        unlink("\(path)/now")
        try #require(symlink("\(path)/two", "\(path)/now") == 0)
        let other = ResolvedPath(to: "\(path)/now/f")
        #expect(other.links == [path])
        #expect(other.end == "\(path)/two")
        #expect(!other.isWhole)
        withExtendedLifetime(workspace) {}
    }

    @Test("what is not there is awaited in the nearest directory that is")
    func missing() throws {
        let (workspace, path) = try workspace()
        let way = ResolvedPath(to: "\(path)/gone/deep/f")
        #expect(way.links.isEmpty)
        #expect(way.end == path)
        #expect(!way.isWhole)
        #expect(!ResolvedPath(to: "\(path)/one/f/g").isWhole, "a file holds no other")
        withExtendedLifetime(workspace) {}
    }

    @Test("a directory is its own end, and links in a circle have none")
    func ends() throws {
        let (workspace, path) = try workspace()
        #expect(ResolvedPath(to: "\(path)/one").end == "\(path)/one")
        #expect(ResolvedPath(to: "/").end == "/")
        #expect(ResolvedPath(to: "/").isWhole)
        try #require(symlink("round", "\(path)/round") == 0)
        #expect(!ResolvedPath(to: "\(path)/round").isWhole)
        withExtendedLifetime(workspace) {}
    }
}
