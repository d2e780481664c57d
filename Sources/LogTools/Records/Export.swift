import Glibc

/// Writes records as JSON Lines, whole but for what is to be hidden.
package struct Export {
    package struct Outcome: Equatable, Sendable {
        package var records = 0
        /// The paths that nothing was at.
        package var unmet: [String] = []
        package var damages: [String] = []
    }

    private let pass: LogPass
    private let filter: RecordFilter
    private let redaction: Redaction

    package init(_ pass: LogPass, _ filter: RecordFilter, _ redaction: Redaction) {
        self.pass = pass
        self.filter = filter
        self.redaction = redaction
    }

    package func run(to output: Output) throws(ToolError) -> Outcome {
        var redaction = redaction
        var outcome = Outcome()
        let damages = try pass.read(filter) { view, isWanted in
            guard isWanted else { return }
            let record = LogRecord(view)
            let fields = record.event.map { redaction.apply(to: $0.fields) }
            output.line(record.json(fields: fields))
            outcome.records += 1
        }
        outcome.unmet = redaction.unmet
        outcome.damages = damages
        return outcome
    }
}

/// A file that was not there before, for this user only. It is gone again where it is not finished.
package final class NewFile {
    private let descriptor: Int32
    private let path: String
    private var isFinished = false
    /// The first error of a write, as `errno` says it.
    private var failure: Int32?

    /// - Throws: ``ToolError/Code/fileExists`` where something has that name.
    package init(_ path: String) throws(ToolError) {
        let options = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
        let file = Glibc.open(path, options, 0o600)
        if file < 0, errno == EEXIST {
            throw ToolError(.fileExists, "\(path) is there already: name a new file")
        }
        guard file >= 0 else { throw Self.failed("create", path) }
        descriptor = file
        self.path = path
    }

    deinit {
        close(descriptor)
        if !isFinished { unlink(path) }
    }

    /// Appends `bytes`; what became of it ``finish()`` tells.
    package func write(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes[...]
        while failure == nil, !rest.isEmpty {
            let piece = UnsafeRawBufferPointer(rebasing: rest)
            let count = Glibc.write(descriptor, piece.baseAddress, piece.count)
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                failure = errno
            }
        }
    }

    /// Puts all of it on the medium.
    ///
    /// - Throws: ``ToolError/Code/notWritten`` where a write, or that, has failed.
    package func finish() throws(ToolError) {
        if let failure {
            errno = failure
            throw Self.failed("write", path)
        }
        guard fsync(descriptor) == 0 else { throw Self.failed("fsync", path) }
        isFinished = true
    }

    private static func failed(_ operation: String, _ path: String) -> ToolError {
        let reason = String(cString: strerror(errno))
        return ToolError(.notWritten, "\(path): \(operation) failed: \(reason)")
    }
}
