/// A line on a terminal, beside the output, that tells how far something has come which takes more
/// than a second.
package final class ProgressLine {
    private let start = ContinuousClock.now
    private var last: ContinuousClock.Instant?

    package init() {}

    deinit { clear() }

    /// Tells `text` now and then; called as often as there is something new.
    package func tell(_ text: @autoclosure () -> String) {
        let now = ContinuousClock.now
        guard now - start > .seconds(1), last.map({ now - $0 > .milliseconds(250) }) ?? true,
            Terminal.isTerminal(.error)
        else { return }
        last = now
        Terminal.write("\r\(text())\u{1B}[K", to: .error)
    }

    /// Takes the line away.
    package func clear() {
        if last != nil { Terminal.write("\r\u{1B}[K", to: .error) }
        last = nil
    }
}
