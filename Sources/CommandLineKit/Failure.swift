/// A command that did not do what it was asked: how it ends, and why.
package struct Failure: Error, Equatable, Sendable {
    package let status: ExitStatus
    /// Never empty.
    package let problems: [Problem]

    package struct Problem: Equatable, Sendable {
        /// For scripts, such as `config.unknown_key`; never changes its meaning.
        package let code: String
        /// What happened, where, and the way out.
        package let message: String

        package init(code: String, message: String) {
            self.code = code
            self.message = message
        }
    }

    package init(_ status: ExitStatus, _ problems: [Problem]) {
        precondition(!problems.isEmpty, "a failure without a reason")
        self.status = status
        self.problems = problems
    }

    package init(_ status: ExitStatus, code: String, _ message: String) {
        self.init(status, [Problem(code: code, message: message)])
    }
}
