import Events
import Observability
import Primitives

/// Finds out which run wrote a log line of a history: a line names no cause, but most often the
/// span that it was written in.
///
/// An SDK writes lines in a span of its own, or in the one that the engine handed it; spans of its
/// own it reports, each with the one that it is a part of. So the way leads from the line's span
/// up to one that the engine handed to a run or a delivery.
struct LinePlaces {
    struct Place {
        let node: Int
        /// Whether another run may have written it as well.
        let isGuessed: Bool
    }

    private struct Reported {
        let name: String
        let parent: UInt64
    }

    private struct Run {
        let node: Int
        let function: String?
        let worker: String?
        var hasEnded = false
    }

    private static let mostCandidates = 256

    private var reported: [UInt64: Reported] = [:]
    /// In the order of the log.
    private var runs: [Run] = []
    /// Those that have not ended, as places in `runs`.
    private var open: [Int] = []
    /// Places in `runs` by the spans that they may have been handed.
    private var handed: [UInt64: [Int]] = [:]
    /// The span that what a record leads to is handed; 0: none that is known.
    private var spans: [Offset: UInt64] = [:]

    init(_ history: History) {
        for case .spanReported(let span)? in history.records.lazy.map({ $0.event }) {
            reported[span.span] = Reported(name: span.name, parent: span.parent)
        }
    }

    // MARK: Runs

    /// Takes the next record of the history; lines need not be told of.
    mutating func take(_ record: LogRecord, at node: Int, _ context: HeadlineContext) {
        let own = EngineSpans.id(of: record.offset)
        let above = record.cause.flatMap { spans[$0] } ?? 0
        switch record.event {
        case .triggered, .cron(.fired), .queue(.enqueued): spans[record.offset] = own
        case .queue(.delivered(let event)):
            spans[record.offset] = own
            let topic = context.topics[event.message]
            let function = context.targets[event.message] ?? event.subscriber(of: topic)
            add(node, function?.id, context.workers[event.worker], [own])
        case .invoked(let event):
            // A call that tells of no span is handed its caller's, or one of its own.
            let first = [event.parent, above].first { $0 != 0 } ?? own
            spans[record.offset] = first
            let worker = context.workers[event.worker]
            add(node, event.function.id, worker, first == own ? [own] : [first, own])
        default: spans[record.offset] = above
        }
    }

    private mutating func add(
        _ node: Int,
        _ function: String?,
        _ worker: WorkerName?,
        _ spans: [UInt64]
    ) {
        for span in spans { handed[span, default: []].append(runs.count) }
        open.append(runs.count)
        runs.append(Run(node: node, function: function, worker: worker?.name))
    }

    /// The run or delivery that began with this node is over.
    mutating func end(_ node: Int) {
        for place in open where runs[place].node == node { runs[place].hasEnded = true }
        open = open.filter { !runs[$0].hasEnded }
    }

    // MARK: Lines

    /// Nil: its span leads nowhere, and nothing runs.
    func place(of line: Logged) -> Place? {
        if let candidates = candidates(above: line), let run = choose(candidates, line) {
            return Place(node: run.node, isGuessed: candidates.count > 1)
        }
        // That it is of the only one that has begun so far is sure where it names no span.
        let isGuessed = line.span != 0 || runs.count > 1
        return choose(open, line).map { Place(node: $0.node, isGuessed: isGuessed) }
    }

    /// The runs that were handed the span that the line's leads to, as places in `runs`.
    private func candidates(above line: Logged) -> [Int]? {
        var span = line.span
        var below: Reported?
        var passed: Set<UInt64> = []
        while span != 0, passed.insert(span).inserted {
            // Of very many it is a guess either way.
            let candidates = Array((handed[span] ?? []).suffix(Self.mostCandidates))
            // Who calls from a span of its own hands that on: the span below tells by its name
            // whether it is the function's that was called.
            let named = candidates.filter { place in
                guard let below, let function = runs[place].function else { return false }
                return below.name.hasSuffix(" \(function)")
            }
            if !named.isEmpty { return named }
            guard let own = reported[span] else { return candidates }
            below = own
            span = own.parent
        }
        return nil
    }

    /// Of several it is what the line's service runs, if that runs any; the youngest that goes on,
    /// or else the youngest.
    private func choose(_ candidates: [Int], _ line: Logged) -> Run? {
        let own = candidates.filter { runs[$0].worker == line.service }
        let likely = own.isEmpty ? candidates : own
        return (likely.last { !runs[$0].hasEnded } ?? likely.last).map { runs[$0] }
    }
}
