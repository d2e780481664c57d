import Glibc
package import Primitives
import Synchronization

/// The three streams of a program.
package enum Terminal {
    package enum Stream: Int32, Sendable {
        case input = 0
        case output = 1
        case error = 2
    }

    /// Whether a person looks at (or types into) the stream.
    package static func isTerminal(_ stream: Stream) -> Bool { isatty(stream.rawValue) == 1 }

    /// Whether `stream` is a terminal that takes more than text: one that calls itself dumb moves
    /// no cursor and has no colours.
    package static func takesControls(_ stream: Stream) -> Bool {
        isTerminal(stream) && variable("TERM", "dumb") != "dumb"
    }

    /// Whether text on `stream` may be coloured: such a terminal, and not unwanted (`NO_COLOR` set
    /// to anything but nothing, https://no-color.org).
    fileprivate static func hasColor(_ stream: Stream) -> Bool {
        takesControls(stream) && variable("NO_COLOR", "").isEmpty
    }

    /// Rows of the terminal that output goes to; nil where it goes to none.
    package static var height: Int? {
        var size = winsize()
        guard ioctl(Stream.output.rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0 else {
            return nil
        }
        return Int(size.ws_row)
    }

    /// What the first write to standard output that failed said as `errno`; 0: none did.
    private static let outputError = Atomic<Int32>(0)

    /// Whether it is of any use to write more to standard output. What goes on until it is stopped
    /// ends where it is not.
    package static var takesOutput: Bool { outputError.load(ordering: .relaxed) == 0 }

    /// Why a part of the output is missing; nil where none is, or nobody reads it any more, as
    /// after `| head`. ``Program`` tells it in the end.
    package static var lostOutput: Failure? {
        let number = outputError.load(ordering: .relaxed)
        guard number != 0, number != EPIPE else { return nil }
        let reason = String(cString: strerror(number))
        return Failure(
            .storageFault,
            code: "output.not_written",
            "the output could not be written: \(reason) (\(number))"
        )
    }

    /// Writes all of `text` to `stream`.
    package static func write(_ text: String, to stream: Stream) {
        var text = text
        text.withUTF8 { write(UnsafeRawBufferPointer($0), to: stream) }
    }

    /// Writes all of `bytes` to `stream`; nothing more once a write to standard output has failed,
    /// for what comes behind a gap is worth nothing. A status line that is on the same terminal
    /// goes before.
    package static func write(_ bytes: UnsafeRawBufferPointer, to stream: Stream) {
        guard stream != .output || takesOutput else { return }
        if hasStatus.load(ordering: .relaxed), isTerminal(stream) { clearStatus() }
        if stream == .output, let last = bytes.last {
            isMidLine.store(last != UInt8(ascii: "\n"), ordering: .relaxed)
        }
        send(bytes, to: stream)
    }

    private static func send(_ bytes: UnsafeRawBufferPointer, to stream: Stream) {
        var rest = bytes
        while !rest.isEmpty {
            let count = Glibc.write(stream.rawValue, rest.baseAddress, rest.count)
            if count > 0 {
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
                continue
            }
            let number = count < 0 ? errno : EIO
            if retries(number, stream) { continue }
            if stream == .output { outputError.store(number, ordering: .relaxed) }
            return
        }
    }

    // MARK: Status

    /// Whether a status line is on the terminal that standard error goes to.
    private static let hasStatus = Atomic(false)
    /// Whether output ends in the middle of a line.
    private static let isMidLine = Atomic(false)

    /// Shows one line, without its end, in the place of the one that was shown before; not where
    /// standard error is no terminal that can take it away again, or it would come into a line of
    /// the output.
    static func show(status text: String) {
        guard takesControls(.error), !isMidLine.load(ordering: .relaxed) || !isTerminal(.output)
        else { return }
        hasStatus.store(true, ordering: .relaxed)
        sendStatus(text)
    }

    /// Takes the status line away, if there is one.
    static func clearStatus() {
        if hasStatus.exchange(false, ordering: .relaxed) { sendStatus("") }
    }

    /// Writes over the line (ECMA-48, EL: erases what is behind the text).
    private static func sendStatus(_ text: String) {
        var line = "\r\(text)\u{1B}[K"
        line.withUTF8 { send(UnsafeRawBufferPointer($0), to: .error) }
    }

    /// Says something beside the results.
    package static func note(_ text: String) { write("note: \(text)\n", to: .error) }

    /// Everything that there is to read on standard input; nil where reading fails.
    package static func readInput() -> [UInt8]? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(Stream.input.rawValue, &chunk, chunk.count)
            if count > 0 {
                bytes += chunk[..<count]
            } else if count == 0 {
                return bytes
            } else if !retries(errno, .input) {
                return nil
            }
        }
    }

    /// Whether to try again after error `number`; waits for the stream where it is a pipe that
    /// somebody made non-blocking.
    private static func retries(_ number: Int32, _ stream: Stream) -> Bool {
        if number == EINTR { return true }
        guard number == EAGAIN else { return false }
        let events = Int16(stream == .input ? POLLIN : POLLOUT)
        var descriptor = pollfd(fd: stream.rawValue, events: events, revents: 0)
        return poll(&descriptor, 1, -1) >= 0 || errno == EINTR
    }

    /// A variable of the environment; `fallback` where it is not set.
    package static func variable(_ name: String, _ fallback: String) -> String {
        getenv(name).map { String(cString: $0) } ?? fallback
    }
}

extension Palette {
    /// What text on standard output may have.
    package static var output: Palette { Palette(isOn: Terminal.hasColor(.output)) }
    /// What text on standard error may have.
    package static var error: Palette { Palette(isOn: Terminal.hasColor(.error)) }
}
