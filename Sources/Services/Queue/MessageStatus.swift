import Events
import Primitives

/// Why a message does not run, or that it does: one question with one answer, for lists and for
/// whoever asks about one message.
enum MessageStatus: Equatable {
    case running(since: Timestamp)
    case dead(error: ErrorBody, at: Timestamp)
    /// It failed, and waits for its next attempt.
    case delayed(until: Timestamp, attempt: UInt32, of: UInt32)
    /// The subscription that it was for has ended.
    case unsubscribed
    /// No live worker serves its function.
    case unserved
    /// No live worker serves the function that is asked whether it runs.
    case conditionUnserved
    /// Its queue takes no message at a time.
    case stopped
    /// What its queue would deliver next cannot be read for the moment.
    case unreadable
    /// The disk does not give it for the moment.
    case refused
    case behind(group: String)
    /// As many messages of its queue run as may at the same time.
    case noPlace(of: UInt32)
    case next

    /// In a word, for programs.
    var word: String {
        switch self {
        case .running: "running"
        case .dead: "dead"
        case .delayed: "delayed"
        case .unsubscribed: "subscription_ended"
        case .unserved: "unserved"
        case .conditionUnserved: "condition_unserved"
        case .stopped: "stopped"
        case .unreadable, .refused: "unreadable"
        case .behind: "behind_group"
        case .noPlace: "no_place"
        case .next: "next"
        }
    }

    /// In a few words, for a list.
    var why: String {
        switch self {
        case .running: "its function runs"
        case .dead: "it failed for good"
        case .delayed(_, let attempt, let limit): "waits for attempt \(attempt) of \(limit)"
        case .unsubscribed: "its subscription has ended"
        case .unserved: "no worker serves its function"
        case .conditionUnserved: "no worker serves its condition"
        case .stopped: "its queue takes no message: its concurrency is 0"
        case .unreadable: "what its queue would deliver next cannot be read for the moment"
        case .refused: "the disk does not give it for the moment"
        case .behind: "behind another of its group"
        case .noPlace(let places): "all \(places) places are taken"
        case .next: "next"
        }
    }
}

extension QueueState {
    func status(of message: Message, _ isServed: (FunctionName) -> Bool) -> MessageStatus {
        switch message.state {
        case .inFlight(let since): return .running(since: since)
        case .dead(let error, let at): return .dead(error: error, at: at)
        case .delayed where isEnded: return .unsubscribed
        case .delayed(let until):
            let limit = max(1, settings.attempts)
            return .delayed(until: until, attempt: message.nextAttempt, of: limit)
        case .waiting, .done: break
        }
        if isEnded { return .unsubscribed }
        // Whoever starts a worker for it would learn that next.
        if message.isRefused { return .refused }
        if !isServed(message.target.function) { return .unserved }
        if let condition, !isServed(condition) { return .conditionUnserved }
        if places == 0 { return .stopped }
        if let group = message.group, message.isBehind { return .behind(group: group) }
        if isPaused { return .unreadable }
        return inFlight < Int(places) ? .next : .noPlace(of: places)
    }
}
