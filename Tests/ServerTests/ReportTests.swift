import Engine
import Foundation
import JSON
import Testing

@testable import Server

@Suite("What the engine tells people")
struct ReportTests {
    private static let forged = "a\nSIGTERM: \u{1B}[31mfake\r\nstopped, \u{202E}log"
    private static let shown = #"a\nSIGTERM: \u001b[31mfake\r\nstopped, \u202elog"#

    @Test("words of others begin no line and move no cursor")
    func words() throws {
        let notice = Notice(severity: .error, text: "f failed: \(Self.forged)")
        #expect(Report.text(of: notice) == "f failed: \(Self.shown)")
        #expect(notice.text == "f failed: \(Self.forged)", "for programs they are as they were")
        let line = JSONValue.object([
            "severity_text": .string("INFO"), "service_name": .string("s\u{1B}c"),
            "body": .string(Self.forged),
        ])
        #expect(Report.text(line.text).hasSuffix(#" INFO s\u001bc: "# + Self.shown))
    }

    @Test("lines of the engine's own stay lines")
    func paragraph() {
        let notice = Notice(severity: .warning, paragraph: "one:\n  two\u{7}\n\nthree")
        #expect(Report.text(of: notice) == "one:\n  two" + #"\u0007"# + "\n\nthree")
        #expect(notice.text == "one:\n  two\u{7}\n\nthree")
    }

    @Test("a line of a worker process stays behind its name, tabs and all")
    func output() {
        let text = Report.text(ofOutput: "\tat f\r\u{1B}[2K\tg", of: "w")
        #expect(text == "w | \tat f" + #"\r\u001b[2K"# + "\tg")
    }

    @Test("that the log is closed in order is said only where it is, and else is an error")
    func stopped() throws {
        let pipe = Pipe()
        let report = Report(isJSON: false, to: pipe.fileHandleForWriting.fileDescriptor)
        #expect(throws: ServeError.notClosed) { try Server.end(isClosed: false, report) }
        try Server.end(isClosed: true, report)
        try pipe.fileHandleForWriting.close()
        let said = try #require(try pipe.fileHandleForReading.readToEnd())
        #expect(String(decoding: said, as: UTF8.self) == "stopped, log closed in order\n")
    }
}
