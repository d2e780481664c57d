import Testing

@testable import CommandLineKit

@Suite("Reports")
struct ReportTests {
    @Test("--json asks for JSON whatever standard output is")
    func asked() {
        #expect(ReportFormat.choose(json: true) == .jsonLines)
    }
}
