/// Why a question to the log has no answer.
package struct ToolError: Error, Equatable, Sendable {
    /// Stable, for scripts.
    package enum Code: String, Sendable {
        case noSuchLog = "log.not_found"
        case foreignDirectory = "log.foreign"
        case unreadable = "log.unreadable"
        case damaged = "log.damaged"
        case inUse = "log.in_use"
        case notWritten = "log.not_written"
        case notEmpty = "target.not_empty"
        case lossNotAccepted = "repair.loss_not_accepted"
        case malformedLoss = "repair.malformed_loss"
        case unknownSegment = "why_kept.unknown_segment"
        case unknownOffset = "digest.unknown_offset"
        case unknownKey = "state.unknown_key"
        case historyTrimmed = "state.history_trimmed"
        case unknownQueue = "queue.unknown_queue"
        case unknownJob = "cron.unknown_job"
        case unknownID = "replay.unknown_id"
        case ambiguousID = "replay.ambiguous_id"
        case malformedID = "replay.malformed_id"
        case tooLarge = "replay.too_large"
        case noRun = "replay.no_run"
        case noInput = "replay.no_input"
        case malformedTime = "show.malformed_time"
        case malformedPattern = "show.malformed_pattern"
        case malformedFormat = "show.malformed_format"
        case unknownKind = "show.unknown_kind"
        case unknownField = "show.unknown_field"
        case malformedFilter = "show.malformed_filter"
        case malformedPath = "export.malformed_path"
        case fileExists = "export.exists"
        /// It needs the files themselves.
        case elsewhere = "engine.elsewhere"
        case unreachable = "cannot_connect"
        case malformedAddress = "invalid_address"
        case notPermitted = "unauthorized"
        case late = "TIMEOUT"
        /// What an engine says otherwise.
        case refused = "engine.refused"
    }

    package let code: Code
    /// What happened, where, and the way out.
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
