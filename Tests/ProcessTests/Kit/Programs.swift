import Foundation
import TestKit
import Testing

/// Tests that start processes, one after the other: the machine may have two cores only.
@Suite("Programs", .serialized, .ownThread)
struct Programs {}

/// Those that take long and mostly wait, one after the other, beside the others.
@Suite("Programs that take long", .serialized, .ownThread)
struct LongPrograms {}

/// Where the programs and the project's files are.
enum Project {
    /// The directory that holds `Package.swift`.
    static let root: String = {
        var directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        while directory.path != "/" {
            let manifest = directory.appendingPathComponent("Package.swift").path
            if FileManager.default.fileExists(atPath: manifest) { break }
            directory.deleteLastPathComponent()
        }
        return directory.path
    }()

    static let fixtures = "\(root)/Tests/ProcessTests/Fixtures"
    static let hello = "\(root)/data/samples/hello"

    static var engine: String { program("iii", override: "III_BIN") }
    static var log: String { program("iii-log", override: "III_LOG_BIN") }

    /// The program that was built with this test: it lies beside the test's own executable.
    private static func program(_ name: String, override: String) -> String {
        if let path = environment(override) { return path }
        let executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        let beside = executable.deletingLastPathComponent().appendingPathComponent(name).path
        if FileManager.default.isExecutableFile(atPath: beside) { return beside }
        return "\(root)/.build/debug/\(name)"
    }

    static func environment(_ name: String) -> String? {
        ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
}
