import CommandLineKit

/// Says on a terminal what is waited for, once that takes more than a second, and how long.
struct WaitingLine: Sendable {
    private let ticker: Task<Void, Never>

    init(_ what: String) {
        ticker = Task {
            let start = ContinuousClock.now
            let line = ProgressLine()
            while true {
                do { try await Task.sleep(for: .milliseconds(300)) } catch { return }
                let seconds = start.duration(to: .now).components.seconds
                line.tell("waiting for \(what): \(seconds) s")
            }
        }
    }

    /// Takes the line away: it does not come back.
    func end() async {
        ticker.cancel()
        await ticker.value
    }
}
