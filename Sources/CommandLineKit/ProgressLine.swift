/// A line on a terminal, beside the output, that tells how far something has come which takes more
/// than a second: never where standard error is no terminal, and gone before anything else is said.
package final class ProgressLine {
    private let start = ContinuousClock.now
    private var last: ContinuousClock.Instant?

    package init() {}

    deinit { clear() }

    /// Tells `text`, a few times a second; called as often as there is something new.
    package func tell(_ text: @autoclosure () -> String) {
        let now = ContinuousClock.now
        guard now - start > .seconds(1), last.map({ now - $0 > .milliseconds(250) }) ?? true else {
            return
        }
        last = now
        Terminal.show(status: text())
    }

    /// Takes the line away.
    package func clear() { Terminal.clearStatus() }
}
