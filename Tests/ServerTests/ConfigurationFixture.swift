import Foundation
import Testing

@testable import Server

/// A directory of configuration files, and of data, that goes away with its owner.
final class Workspace {
    let path: String

    init(_ files: [String: String] = [:]) throws {
        var template = Array("/tmp/iii-configuration-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
        }
        path = try #require(made, "mkdtemp: \(String(cString: strerror(errno)))")
        for (name, text) in files { try write(name, text) }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ text: String) throws {
        if name.contains("/") { mkdir("\(path)/sub", 0o700) }
        let file = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        try #require(file >= 0, "\(name): \(String(cString: strerror(errno)))")
        let bytes = Array(text.utf8)
        #expect(Foundation.write(file, bytes, bytes.count) == bytes.count)
        close(file)
    }

    func load(
        file: String? = nil,
        set settings: [String] = [],
        data: String? = nil,
        environment: [String: String] = [:]
    ) throws(ConfigurationErrors) -> Configuration.Loaded {
        try Configuration.load(
            from: Configuration.Sources(
                file: file,
                settings: settings,
                data: data,
                environment: environment,
                workingDirectory: path
            ),
            version: "1.2.3"
        )
    }
}

/// What loading `text` as `iii.toml` gives.
func configuration(
    toml text: String,
    environment: [String: String] = [:]
) throws -> Configuration {
    try Workspace(["iii.toml": text]).load(environment: environment).configuration
}

/// The messages with which loading these sources is refused; empty where it is not.
func refusals(
    _ files: [String: String],
    file: String? = nil,
    set settings: [String] = [],
    environment: [String: String] = [:]
) throws -> [String] {
    let workspace = try Workspace(files)
    do throws(ConfigurationErrors) {
        _ = try workspace.load(file: file, set: settings, environment: environment)
        return []
    } catch {
        return error.errors.map(\.description)
    }
}
