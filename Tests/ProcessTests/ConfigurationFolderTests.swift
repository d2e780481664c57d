import Foundation
import Testing

extension Programs {
    /// The directory of configuration entries, as its files are edited.
    @Suite("Files of configuration entries")
    struct ConfigurationFolderTests {
        let scratch: Scratch

        init() throws {
            scratch = try Scratch()
            for name in ["entries", "elsewhere"] {
                try FileManager.default.createDirectory(
                    atPath: scratch(name),
                    withIntermediateDirectories: false
                )
            }
        }
    }
}

extension Programs.ConfigurationFolderTests {
    /// How often an engine has told something.
    private func count(of text: String, by engine: EngineProcess) -> Int {
        engine.errors.components(separatedBy: text).count - 1
    }

    @Test("What a link leads to counts when it is edited; what was told is told anew when it is")
    func edits() throws {
        _ = try scratch.write("elsewhere/mail.yaml", "value: 1\n")
        _ = try scratch.write("entries/broken.yaml", "value: [1\n")
        _ = try scratch.write("entries/Notes.yaml", "value: 1\n")
        try #require(symlink("../elsewhere/mail.yaml", scratch("entries/mail.yaml")) == 0)
        let directory = "configuration.directory=\(scratch("entries"))"
        let engine = EngineProcess(in: scratch, ["--set", directory])
        try engine.start()
        let worker = try RawWorker.ready(engine)
        func taken(_ value: Int) throws {
            try eventually("\(value) is taken") { () -> Void? in
                let reply = try worker.ask("configuration::get", ["id": "mail"])
                return JSON.text(reply["result"]) == #"{"id":"mail","value":\#(value)}"# ? () : nil
            }
        }
        try taken(1)
        _ = try scratch.write("elsewhere/mail.yaml", "value: 2\n")
        try taken(2)
        #expect(count(of: "broken.yaml is not taken", by: engine) == 1, "\(engine.errors)")
        #expect(count(of: "Notes.yaml is no file", by: engine) == 1, "\(engine.errors)")
        _ = try scratch.write("entries/broken.yaml", "value: [2\n")
        try eventually("the new text is told of") { () -> Void? in
            count(of: "broken.yaml is not taken", by: engine) == 2 ? () : nil
        }
        #expect(count(of: "Notes.yaml is no file", by: engine) == 1, "\(engine.errors)")
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
    }
}
