import Foundation

/// What Package.swift says, read as text: a name, its path, and what it may import.
struct PackageDescription {
    let folder: URL
    /// By target: what it may import.
    private(set) var dependencies: [String: Set<String>] = [:]
    /// By folder, from the package's own: the target.
    private(set) var folders: [String: String] = [:]
    /// What packages from elsewhere offer.
    private(set) var products: Set<String> = []

    /// Every module whose import needs a permission.
    var knownModules: Set<String> { Set(dependencies.keys).union(products) }

    enum Failure: Error, CustomStringConvertible {
        case noTargets

        var description: String { "Package.swift has no targets that this test can read" }
    }

    init(file: String = #filePath) throws {
        var folder = URL(fileURLWithPath: file).deletingLastPathComponent()
        func isTop(_ folder: URL) -> Bool {
            FileManager.default.fileExists(atPath: folder.appending(path: "Package.swift").path)
        }
        while !isTop(folder), folder.path != "/" { folder.deleteLastPathComponent() }
        self.folder = folder
        let text = try String(contentsOf: folder.appending(path: "Package.swift"), encoding: .utf8)
        read(text)
        if dependencies.isEmpty { throw Failure.noTargets }
    }

    private mutating func read(_ text: String) {
        var named: [String: String] = [:]
        let product = /let (\w+): Target\.Dependency = \.product\(\s*name: "(\w+)"/
        for match in text.matches(of: product) { named[String(match.1)] = String(match.2) }
        products = Set(named.values)
        for match in text.matches(of: /\.product\(\s*name: "(\w+)", package/) {
            products.insert(String(match.1))
        }
        guard let list = text.range(of: "targets: [\n        // 1") else { return }
        let targets = text[list.lowerBound...]
        let start =
            /(?:^|\n)        (module|service|program|tests|\.target|\.testTarget|\.systemLibrary)\(/
        let matches = Array(targets.matches(of: start))
        for (index, match) in matches.enumerated() {
            let end =
                index + 1 < matches.count
                ? matches[index + 1].range.lowerBound : targets.endIndex
            add(String(match.1), targets[match.range.upperBound..<end], named)
        }
    }

    private mutating func add(_ kind: String, _ text: Substring, _ named: [String: String]) {
        let code = text.split(separator: "\n").map { $0.prefix { $0 != "/" || !$0.isNewline } }
            .joined(separator: "\n")
        guard let name = code.firstMatch(of: /"([\w-]+)"/) else { return }
        let target = String(name.1)
        let standard =
            switch kind {
            case "service": "Sources/Services/\(target)"
            case "tests", ".testTarget": "Tests/\(target)"
            default: "Sources/\(target)"
            }
        let path = code.firstMatch(of: /path: "([\w\/-]+)"/).map { String($0.1) }
        folders[path ?? standard] = target
        var allowed: Set<String> = [target]
        if let list = code.range(of: "[") {
            let rest = code[list.upperBound...]
            for match in rest.matches(of: /"(\w+)"/) { allowed.insert(String(match.1)) }
            for (variable, product) in named {
                let words = rest.split { !$0.isLetter && !$0.isNumber && $0 != "_" }
                if words.contains(Substring(variable)) { allowed.insert(product) }
            }
        }
        dependencies[target] = allowed.subtracting([target])
    }

    /// Every Swift file below these folders, in order.
    func swiftFiles(under roots: [String]) throws -> [SwiftFile] {
        var files: [SwiftFile] = []
        for root in roots {
            let top = folder.appending(path: root).resolvingSymlinksInPath()
            guard let found = FileManager.default.enumerator(atPath: top.path) else { continue }
            let names = found.compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }
            for name in names.sorted() {
                let path = "\(root)/\(name)"
                let owner = folders.keys.filter { path.hasPrefix("\($0)/") }
                    .max { $0.count < $1.count }
                guard let owner, let module = folders[owner] else { continue }
                let url = top.appending(path: name)
                let text = try String(contentsOf: url, encoding: .utf8)
                files.append(SwiftFile(path: path, module: module, text: text))
            }
        }
        return files
    }
}
