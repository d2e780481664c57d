import Foundation
import Testing

@testable import Server

/// Every key of the configuration is in the document that lists them, with the word "live" where an
/// edit of it counts at once.
struct SettingsDocumentTests {
    private static let document = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "docs/configuration.md")

    /// The rows of the tables under "All settings": the names of the first cell, as `section.key`,
    /// and whether the row says that they are live.
    private static func rows() throws -> [String: Bool] {
        let text = try String(contentsOf: document, encoding: .utf8)
        var named: [String: Bool] = [:]
        var sections: [String] = []
        for line in text.split(separator: "\n") where line.hasPrefix("|") {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard let first = cells.first else { continue }
            let names = first.matches(of: /`([^`]+)`/).map { String($0.output.1) }
            if first.hasPrefix("`[") {
                sections = names.map { $0.trimmingCharacters(in: ["[", "]"]) }
                continue
            }
            let isLive = cells.last?.hasPrefix("live") == true
            for name in names {
                named[name] = isLive
                for section in sections { named["\(section).\(name)"] = isLive }
            }
        }
        return named
    }

    private static var keys: [String] {
        func keys<Section>(_ section: String, _ fields: [Field<Section>]) -> [String] {
            fields.map { "\(section).\($0.key)" }
        }
        return keys("engine", Configuration.Engine.fields)
            + keys("http", Configuration.HTTP.fields)
            + keys("stream", Configuration.Stream.fields)
            + keys("queue", Configuration.Queue.fields)
            + keys("queue.queues.NAME", Configuration.FunctionQueue.fields)
            + keys("cron", Configuration.Cron.fields)
            + keys("state", Configuration.State.fields)
            + keys("configuration", Configuration.Entries.fields)
            + keys("observability", Configuration.Observability.fields)
            + keys("log", Configuration.Log.fields)
            + keys("security", Configuration.Security.fields)
            + keys("http_functions", Configuration.HTTPFunctions.fields)
    }

    @Test("the document of the settings has every key, and says which are live")
    func complete() throws {
        let rows = try Self.rows()
        #expect(Self.keys.count > 80)
        for key in Self.keys {
            let counts = key.hasPrefix("queue.queues.") || ConfigurationEdit.liveKeys.contains(key)
            #expect(rows[key] == counts, "docs/configuration.md: \(key), live: \(counts)")
        }
    }
}
