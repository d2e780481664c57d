import Glibc
import Testing

@testable import Server

@Suite("Files whose changes count")
struct FileWatchTests {
    @Test(
        "of a glob the directory that it begins with counts, and how names end",
        arguments: [
            ("src/**/*.py", "/w/src", WatchPattern.Names.endingWith([".py"])),
            ("*.js", "/w", .endingWith([".js"])),
            ("./lib/*", "/w/lib", .all),
            ("/abs/**/x*.{js,ts}", "/abs", .endingWith([".js", ".ts"])),
            ("src/**/a.t?", "/w/src", .all),
            ("conf/app.json", "/w/conf", .exactly("app.json")),
        ]
    )
    func globs(glob: String, root: String, names: WatchPattern.Names) {
        #expect(WatchPattern(glob, in: "/w") == WatchPattern(root: root, names: names))
    }

    @Test("a directory means all that is in it")
    func directories() throws {
        let workspace = try Workspace(["sub/a": ""])
        let pattern = WatchPattern("sub", in: workspace.path)
        #expect(pattern == WatchPattern(root: "\(workspace.path)/sub", names: .all))
    }

    @Test("names match beneath the root, and beside it not")
    func matches() {
        let pattern = WatchPattern("src/**/*.py", in: "/w")
        #expect(pattern.matches("a.py", in: "/w/src"))
        #expect(pattern.matches("a.py", in: "/w/src/deep/er"))
        #expect(!pattern.matches("a.pyc", in: "/w/src"))
        #expect(!pattern.matches("a.py", in: "/w/srcs"))
        let file = WatchPattern(root: "/w", names: .exactly("a.json"))
        #expect(file.matches("a.json", in: "/w"))
        #expect(!file.matches("a.json", in: "/w/sub"))
        #expect(WatchPattern(root: "/", names: .all).matches("x", in: "/etc"))
    }

    private func watch(_ workspace: Workspace, _ glob: String) throws -> FileWatch {
        let path = workspace.path
        return try FileWatch([WatchPattern(glob, in: path)], ignoring: ["\(path)/data"])
    }

    @Test("a file that is written, renamed or removed counts once; others do not")
    func changes() throws {
        let workspace = try Workspace(["sub/a.py": "", "b.py": ""])
        let watch = try watch(workspace, "**/*.py")
        #expect(!watch.takeChanges())
        try workspace.write("sub/a.py", "x")
        #expect(watch.takeChanges())
        #expect(!watch.takeChanges())
        try workspace.write("sub/a.pyc", "x")
        try workspace.write("notes", "x")
        #expect(!watch.takeChanges())
        rename("\(workspace.path)/notes", "\(workspace.path)/c.py")
        #expect(watch.takeChanges())
        unlink("\(workspace.path)/b.py")
        #expect(watch.takeChanges())
    }

    @Test("a new directory is watched, and what came before the watch counts")
    func newDirectories() throws {
        let workspace = try Workspace()
        let watch = try watch(workspace, "**/*.py")
        mkdir("\(workspace.path)/late", 0o700)
        #expect(!watch.takeChanges())
        try workspace.write("late/a.py", "x")
        #expect(watch.takeChanges())
        mkdir("\(workspace.path)/early", 0o700)
        try workspace.write("early/a.py", "x")
        #expect(watch.takeChanges())
        #expect(!watch.takeChanges())
        rename("\(workspace.path)/early", "/tmp/\(workspace.path.dropFirst(5))-gone")
        #expect(watch.takeChanges())
        unlink("/tmp/\(workspace.path.dropFirst(5))-gone/a.py")
        rmdir("/tmp/\(workspace.path.dropFirst(5))-gone")
    }

    @Test("what tools keep beside sources does not count, nor does the data directory")
    func tools() throws {
        let workspace = try Workspace(["sub/a.py": ""])
        for name in [".git", "node_modules", "__pycache__", "data", "venv"] {
            mkdir("\(workspace.path)/\(name)", 0o700)
        }
        try workspace.write("venv/pyvenv.cfg", "")
        let watch = try watch(workspace, "**/*.py")
        for name in [".git", "node_modules", "__pycache__", "data", "venv"] {
            try workspace.write("\(name)/a.py", "x")
        }
        #expect(!watch.takeChanges())
        try workspace.write("sub/a.py", "x")
        #expect(watch.takeChanges())
    }

    @Test("a root that is not there is told, and watched once it is, however often it is made")
    func missing() throws {
        let workspace = try Workspace()
        let watch = try watch(workspace, "dist/**/*.py")
        #expect(watch.problems == ["\(workspace.path)/dist: No such file or directory"])
        for _ in 0..<3 {
            mkdir("\(workspace.path)/dist", 0o700)
            #expect(!watch.takeChanges())
            try workspace.write("dist/a.py", "x")
            #expect(watch.takeChanges())
            unlink("\(workspace.path)/dist/a.py")
            rmdir("\(workspace.path)/dist")
            #expect(watch.takeChanges())
        }
        // Its neighbours are nobody's.
        try workspace.write("other.py", "x")
        #expect(!watch.takeChanges())
    }
}
