import CommitLog
import ConfigurationEntries
import Disk
import Events
import Folding
import JSON
import Primitives

// `configuration::*` (services 1, E.2, E.3): entries are a view of the log like all else. Files may
// say what an entry is; they are read, and never written.

/// What of the configuration lives only as long as the engine.
struct LiveConfiguration {
    var triggers = ConfigurationTriggers()
    /// Entries that go unless a trigger for them comes, by when that was decided.
    var unused: [String: UInt64] = [:]
    var lastUnused: UInt64 = 0
    /// The files that could not be taken, by entry, and why: told once, until they are edited.
    var refused: [String: RefusedFile] = [:]

    struct RefusedFile: Equatable {
        let hash: UInt64
        let reason: String
    }
}

extension Engine where Store: ~Copyable {
    mutating func runConfiguration(
        _ function: ConfigurationFunction,
        _ input: JSONText,
        _ origin: Origin
    ) throws(LogError) -> Outcome {
        let decision: ConfigurationDecision
        do throws(ErrorBody) {
            decision = try views.work.configuration.decide(
                ConfigurationCall(function, input),
                options.placeholders
            )
        } catch {
            return .failure(error)
        }
        guard let event = decision.event else {
            return Outcome(result: .value(decision.result.bytes), after: newest)
        }
        let offset = try change(event, origin)
        return Outcome(result: .value(decision.result.bytes), after: offset)
    }

    /// Records what becomes of an entry, and tells of it.
    @discardableResult
    private mutating func change(
        _ event: ConfigurationEvent,
        _ origin: Origin
    ) throws(LogError) -> Offset {
        let before = views.work.configuration[event.id]
        let offset = try record(.configuration(event), trace: origin.trace, cause: origin.cause)
        if case .fileTaken = event { return offset }
        let after = views.work.configuration[event.id]
        guard let change = ConfigurationChange(id: event.id, from: before, to: after) else {
            return offset
        }
        try tell(of: change, at: offset, origin)
        return offset
    }

    /// Has the triggers run, one after another. Records hold values as they were written: what
    /// variables stand for may be a secret.
    private mutating func tell(
        of change: ConfigurationChange,
        at offset: Offset,
        _ origin: Origin
    ) throws(LogError) {
        let triggers = configuration.triggers.matching(change)
        guard !triggers.isEmpty else { return }
        let notice = TriggerNotice(
            payload: change.payload(options.placeholders).bytes,
            summary: "\(change.kind.rawValue) \(change.id)",
            trace: origin.trace,
            cause: offset,
            triggers: withoutReplicas(triggers.map(\.id))
        )
        notice.logged = change.payload(nil).bytes
        for trigger in triggers { notice.conditions[trigger.id] = trigger.condition }
        try notify(notice)
    }

    // MARK: Files

    /// Takes what the files of entries say that has not been taken yet. An entry whose file is gone
    /// is, too.
    mutating func take(_ files: [EntryFile]) throws(LogError) {
        for file in files.sorted(by: { $0.id < $1.id }) { try take(file) }
        let there = Set(files.map(\.id))
        configuration.refused = configuration.refused.filter { there.contains($0.key) }
        for id in views.work.configuration.filed where !there.contains(id) {
            let gone = ConfigurationDeleted(id: id, reason: .fileGone)
            try change(.deleted(gone), Origin(trace: TraceID(from: &random), cause: nil))
            notice(.info, "the file of configuration \(id) is gone, and with it the entry")
        }
    }

    private mutating func take(_ file: EntryFile) throws(LogError) {
        let events: [ConfigurationEvent]
        do throws(ErrorBody) {
            events = try views.work.configuration.decide(file, options.placeholders)
        } catch {
            let refused = LiveConfiguration.RefusedFile(hash: file.hash, reason: error.message)
            guard configuration.refused.updateValue(refused, forKey: file.id) != refused else {
                return
            }
            return notice(
                .error,
                "the file of configuration \(file.id) is not taken, the entry stays as it is: "
                    + error.message
            )
        }
        configuration.refused[file.id] = nil
        guard !events.isEmpty else { return }
        let origin = Origin(trace: TraceID(from: &random), cause: nil)
        for event in events { try change(event, origin) }
        notice(.info, "the file of configuration \(file.id) was taken")
    }

    // MARK: Triggers

    /// - Throws: why the trigger cannot be.
    mutating func bindConfiguration(_ trigger: Registry.Trigger) throws(ErrorBody) {
        let bound = try ConfigurationTrigger(
            id: trigger.request.id,
            function: trigger.function,
            config: trigger.request.config
        )
        for function in [trigger.function, bound.condition].compactMap(\.self) {
            guard case .configuration(let builtin)? = Builtin.named(function), builtin.writes else {
                continue
            }
            throw ErrorBody(
                code: "trigger_registration_failed",
                message: "a configuration trigger cannot run \(function.id): it would fire itself"
            )
        }
        let old = configuration.triggers.add(bound)
        if let entry = bound.entry { configuration.unused[entry] = nil }
        if let entry = old?.entry { left(entry) }
    }

    mutating func unbindConfiguration(_ id: String) {
        if let entry = configuration.triggers.remove(id)?.entry { left(entry) }
    }

    /// An entry that the last trigger has left goes after a while, where the engine is told so.
    private mutating func left(_ entry: String) {
        guard let patience = options.configurationTTL, !configuration.triggers.isBound(to: entry),
            views.work.configuration[entry] != nil
        else { return }
        configuration.lastUnused += 1
        configuration.unused[entry] = configuration.lastUnused
        timers.set(
            .unusedConfiguration(entry, configuration.lastUnused),
            at: now.monotonic + patience
        )
    }

    mutating func dropUnused(_ entry: String, _ number: UInt64) throws(LogError) {
        guard configuration.unused[entry] == number else { return }
        configuration.unused[entry] = nil
        guard views.work.configuration[entry] != nil else { return }
        let gone = ConfigurationDeleted(id: entry, reason: .unused)
        try change(.deleted(gone), Origin(trace: TraceID(from: &random), cause: nil))
    }
}
