import Engine
import Foundation
import Testing

@testable import Server

@Suite("The ports file")
struct PortsFileTests {
    private func text(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test("it takes the place of an old one, whole")
    func written() throws {
        let workspace = try Workspace(["ports": "old"])
        let path = "\(workspace.path)/ports"
        #expect(try PortsFile.write("new", to: path) == nil)
        #expect(text(path) == "new")
        #expect(access("\(path).tmp", F_OK) != 0)
    }

    @Test("on a full disk there is none, which is told, and the engine goes on")
    func full() throws {
        let workspace = try Workspace(["ports": "old"])
        let path = "\(workspace.path)/ports"
        try #require(symlink("/dev/full", "\(path).tmp") == 0)
        let warning = try #require(try PortsFile.write("new", to: path))
        #expect(warning.severity == .warning)
        #expect(warning.text.hasPrefix("cannot write the ports file \(path): No space left"))
        for left in [path, "\(path).tmp"] { #expect(access(left, F_OK) != 0, "\(left)") }
    }

    @Test("a place where none can be written is refused")
    func refused() {
        let error = #expect(throws: ServeError.self) {
            try PortsFile.write("new", to: "/no/such/directory/ports")
        }
        #expect(error?.code == "ports_file")
    }
}
