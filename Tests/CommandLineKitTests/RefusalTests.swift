import CommandLineKit
import Testing

@Suite("What was refused, and what is out of bounds")
struct RefusalTests {
    @Test(
        "a refused call ends the program by its code",
        arguments: [
            ("cannot_connect", .unreachable), ("function_not_found", .unknownObject),
            ("TIMEOUT", .timedOut), ("invalid_address", .usage), ("unauthorized", .notPermitted),
            ("FORBIDDEN", .notPermitted), ("of_a_function", .failed),
            ("invocation_timeout", .timedOut), ("UNKNOWN_OFFSET", .unknownObject),
        ] as [(String, CommandLineKit.ExitStatus)]
    )
    func statuses(code: String, status: CommandLineKit.ExitStatus) {
        #expect(CommandLineKit.ExitStatus(refusal: code) == status)
    }

    @Test(
        "a page has at least one row, and at most a thousand",
        arguments: [(-1, false), (0, false), (1, true), (1000, true), (1001, false)]
    )
    func pages(count: Int, isTaken: Bool) {
        #expect(((try? PageLength.check(count)) != nil) == isTaken)
    }
}
