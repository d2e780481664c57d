import Foundation
import Testing

/// The rules of the house that a compiler does not check. One message for each violation.
@Suite("Tidy")
struct TidyTests {
    private let package: PackageDescription
    private let files: [SwiftFile]

    init() throws {
        package = try PackageDescription()
        files = try package.swiftFiles(under: ["Sources", "Tests", "Benchmarks"])
    }

    @Test("the sources are found")
    func found() throws {
        #expect(files.count > 100)
        #expect(package.dependencies["Engine"]?.contains("CommitLog") == true)
        #expect(package.dependencies["Primitives"]?.isEmpty == true)
        let engine = try #require(files.first { $0.path == "Sources/Engine/Engine.swift" })
        #expect(engine.module == "Engine")
        #expect(engine.imports.contains("CommitLog"))
    }

    @Test("what the rules look for is seen, and nothing in comments and literals")
    func sight() {
        let text = """
            package import Events
            func short() {
                let a = try! f() // as! here
                let b = "try! as! Task {"
                group.addTask { }
                Task { }
            }
            """
        let file = SwiftFile(path: "Sources/Engine/X.swift", module: "Engine", text: text)
        #expect(file.imports == ["Events"])
        #expect(file.functions.map(\.lineCount) == [6])
        let found = Ban.all.filter { ban in
            ban.concerns(file) && file.code.contains(where: ban.finds)
        }
        #expect(found.map(\.text) == ["Task {", "try!"])
    }

    @Test("a module imports only what Package.swift says it depends on")
    func importsAreDeclared() {
        for file in files {
            guard let allowed = package.dependencies[file.module] else {
                Issue.record("\(file.path): \(file.module) is no target of Package.swift")
                continue
            }
            for name in file.imports where package.knownModules.contains(name) {
                if !allowed.contains(name) {
                    Issue.record("\(file.path) imports \(name): Package.swift does not let it")
                }
            }
        }
    }

    @Test("nothing up to the engine knows Foundation, sockets or tasks")
    func layers() {
        let edges: Set<String> = [
            "NetServer", "Channels", "WorkerGateway", "HTTPGateway", "StreamGateway", "Dashboard",
            "HTTPInvoker", "IIISDK", "Server", "iii", "iii-log",
        ]
        let system: Set<String> = ["Glibc", "Synchronization"]
        let lower = files.filter { file in
            file.path.hasPrefix("Sources/") && !edges.contains(file.module)
        }
        #expect(lower.contains { $0.module == "Folding" })
        for file in lower {
            for name in file.imports
            where name.hasPrefix("NIO")
                || !package.knownModules.contains(name) && !system.contains(name)
            {
                Issue.record("\(file.path) imports \(name), below the edges")
            }
        }
    }

    @Test("files have at most 400 lines, lines at most 100 columns")
    func sizes() {
        for file in files {
            if file.lines.count > 400 {
                Issue.record("\(file.path) has \(file.lines.count) lines; at most 400")
            }
            for (index, line) in file.lines.enumerated() where line.count > 100 {
                // The formatter leaves a literal that cannot be broken as it is.
                if line.contains("\"") { continue }
                Issue.record("\(file.path):\(index + 1) has \(line.count) columns; at most 100")
            }
        }
    }

    @Test("functions have at most 60 lines")
    func functions() {
        for file in files {
            for function in file.functions where function.lineCount > 60 {
                Issue.record(
                    "\(file.path):\(function.line) a function of \(function.lineCount) lines"
                )
            }
        }
    }

    @Test("what is banned is not there", arguments: Ban.all)
    func bans(ban: Ban) {
        for file in files where ban.concerns(file) {
            for (index, line) in file.code.enumerated() where ban.finds(line) {
                Issue.record("\(file.path):\(index + 1) has `\(ban.text)`: \(ban.reason)")
            }
        }
    }

    @Test("nothing is left to do")
    func marks() {
        let marks = ["TO" + "DO", "FIX" + "ME"]
        for file in files {
            for (index, line) in file.lines.enumerated() {
                for mark in marks where line.contains(mark) {
                    Issue.record("\(file.path):\(index + 1) has \(mark)")
                }
            }
        }
    }
}

/// A piece of code that no source has, but for the modules that it is left to.
struct Ban: Sendable, CustomTestStringConvertible {
    let text: String
    let reason: String
    let exempt: Set<String>
    let isForTests: Bool

    var testDescription: String { text }

    private init(
        _ text: String,
        _ reason: String,
        except exempt: Set<String> = [],
        tests: Bool = true
    ) {
        self.text = text
        self.reason = reason
        self.exempt = exempt
        isForTests = tests
    }

    func concerns(_ file: SwiftFile) -> Bool {
        !exempt.contains(file.module) && !exempt.contains(file.path)
            && (isForTests || file.path.hasPrefix("Sources/"))
    }

    func finds(_ line: String) -> Bool {
        guard let range = line.range(of: text) else { return false }
        // `print(` is not `debugPrint(`, `Task {` not `addTask {`.
        guard let first = text.first, first.isLetter, range.lowerBound > line.startIndex else {
            return true
        }
        let before = line[line.index(before: range.lowerBound)]
        return !before.isLetter && !before.isNumber && before != "_" && before != "."
    }

    static let all: [Ban] = [
        Ban(
            "Task {",
            "work has an owner; start none beside it",
            except: ["Server", "IIISDK", "iii", "Benchmarks", "IIISDKTests", "ServerTests"]
        ),
        Ban("Task.detached", "work has an owner; start none beside it"),
        Ban("try!", "errors are handled or thrown"),
        Ban("as!", "a cast that fails is a crash"),
        Ban("fatalError(", "an error is thrown, a broken promise is a precondition"),
        Ban("nonisolated(unsafe)", "the compiler proves what is shared"),
        Ban(
            "@unchecked Sendable",
            "the compiler proves what is shared",
            except: uncheckedSendable
        ),
        Ban(
            "print(",
            "a library reports to its caller",
            except: ["CommandLineKit", "iii", "iii-log", "Server"],
            tests: false
        ),
    ]

    /// Files whose comment at the type proves what the compiler cannot see.
    private static let uncheckedSendable: Set<String> = []
}
