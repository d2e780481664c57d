import Events
import JSON
import Primitives
import RecordFormat
import State
import Stream

/// The state and the streams as a run of the past found them, for one that repeats it: it sees what
/// was there and what it writes itself, and nothing that others wrote meanwhile. Nothing of it
/// leaves memory.
struct PastState {
    private let pass: LogPass
    private let log: StateLog
    /// The record of the run: what is older is there.
    private let run: Offset
    private let time: Timestamp
    private var state = StateView()
    /// Nil: nobody has asked for streams.
    private var streams: StreamView?
    /// The keys that were looked up, and the scopes of which all keys were.
    private var known: Set<StatePlace> = []
    private var knownScopes: Set<Name> = []
    private var knowsAll = false
    /// What the next write gets as its revision.
    private var next: Offset

    /// - Throws: ``ToolError`` when the files cannot be read.
    init(_ location: LogLocation, before run: Offset, at time: Timestamp) throws(ToolError) {
        pass = try LogPass(location)
        log = try StateLog(pass)
        self.run = run
        self.time = time
        next = run.advanced(by: 1)
    }

    /// The next write is the one that the log has there, as far as anybody can tell.
    mutating func expectWrite(at offset: Offset) { next = max(next, offset) }

    // MARK: State

    /// What a call of a state function answers, and what it writes.
    mutating func call(
        _ function: StateFunction,
        _ input: JSONText
    ) throws(ErrorBody) -> (result: FunctionResult, writes: [StateEvent]) {
        try load(function, input)
        if function == .entries { state.prepareEntries(input) }
        let decision = try state.decide(
            function,
            input: input,
            at: StateMoment(now: time, next: next)
        ) { (version) throws(ErrorBody) in try value(at: version) }
        let writes = decision.changes.compactMap(\.event)
        for write in writes {
            state.apply(write, at: next)
            next = next.advanced(by: 1)
        }
        return (try result(of: decision.reply), writes)
    }

    private func result(of reply: StateReply) throws(ErrorBody) -> FunctionResult {
        guard case .log(let question) = reply else {
            return try reply.result { (version) throws(ErrorBody) in try value(at: version) }
        }
        return try telling { () throws(ToolError) in
            try StateReading(question, StateLog(pass, below: run), run).result
        }
    }

    /// Puts what a call is about into memory, as it was.
    private mutating func load(
        _ function: StateFunction,
        _ input: JSONText
    ) throws(ErrorBody) {
        switch function {
        case .set, .get, .delete, .update: try loadPlace(input)
        case .getMany:
            let scope = input.member("scope")?.stringValue
            for key in input.member("keys")?.elements ?? [] {
                if let name = key.stringValue {
                    if let scope { try loadKey(scope, name) }
                } else {
                    try loadPlace(key)
                }
            }
        case .transact:
            for name in ["checks", "writes"] {
                for part in input.member(name)?.elements ?? [] { try loadPlace(part) }
            }
        case .list, .entries:
            if let scope = input.member("scope")?.stringValue { try loadScope(scope) }
        case .listGroups: try loadScope(nil)
        case .history, .changes: break
        }
    }

    /// The key that an object names.
    private mutating func loadPlace(_ input: JSONText) throws(ErrorBody) {
        guard let scope = input.member("scope")?.stringValue,
            let key = input.member("key")?.stringValue
        else { return }
        try loadKey(scope, key)
    }

    private mutating func loadKey(_ scope: String, _ key: String) throws(ErrorBody) {
        guard !knowsAll, !knownScopes.contains(Name(scope)),
            known.insert(StatePlace(scope, key)).inserted, run > .zero
        else { return }
        let log = log
        let last = Offset(run.rawValue - 1)
        let write = try telling { () throws(ToolError) in
            try log.value(scope: scope, key: key, at: last)
        }
        if let write { state.apply(write.event, at: write.offset) }
    }

    /// All keys of a scope, or of all scopes, but for those that are known already: what was
    /// written to them since counts.
    private mutating func loadScope(_ scope: String?) throws(ErrorBody) {
        let name = scope.map { Name($0) }
        guard !knowsAll, name.map({ !knownScopes.contains($0) }) ?? true, run > .zero else {
            return
        }
        let table = StateTable(pass)
        let moment = LogMoment.offset(Offset(run.rawValue - 1))
        let past = try telling { () throws(ToolError) in
            try table.fold(at: moment, scope, keepsValues: true)
        }
        for scope in scope.map({ [$0] }) ?? past.scopeNames
        where !knownScopes.contains(Name(scope)) {
            for (key, entry) in past.entries(ofScope: scope)
            where known.insert(StatePlace(scope, key)).inserted {
                guard let value = entry.value else { continue }
                let set = StateSet(
                    scope: scope,
                    key: key,
                    value: value,
                    function: StateFunction.set.rawValue,
                    expires: past.expiry(scope: scope, key: key)
                )
                // Lists have the keys in the order in which they came.
                if entry.created < entry.version { state.apply(.set(set), at: entry.created) }
                state.apply(.set(set), at: entry.version)
            }
        }
        if let name { knownScopes.insert(name) } else { knowsAll = true }
    }

    // MARK: Streams

    /// What a call of a stream function answers, and what it does to a stream.
    mutating func call(
        _ function: StreamFunction,
        _ input: JSONText
    ) throws(ErrorBody) -> (result: FunctionResult, event: StreamEvent?) {
        guard function != .presence else {
            throw ErrorBody(
                code: "REPLAY_UNRECORDED",
                message: "who was in a group is in no log: stream::presence has no answer"
            )
        }
        var view: StreamView
        if let streams { view = streams } else { view = try foldedStreams() }
        let decision = try view.decide(StreamCall(function, input: input)) {
            (version) throws(ErrorBody) in try value(at: version)
        }
        if let event = decision.event {
            view.apply(event, at: next)
            next = next.advanced(by: 1)
        }
        streams = view
        let result = try decision.reply.result { (version) throws(ErrorBody) in
            try value(at: version)
        }
        return (result, decision.event)
    }

    private func foldedStreams() throws(ErrorBody) -> StreamView {
        if log.isTrimmed {
            throw ErrorBody(
                code: "HISTORY_TRIMMED",
                message: "retention has removed what would tell how streams were"
            )
        }
        var view = StreamView()
        try telling { () throws(ToolError) in
            // Over a hole nobody knows what was folded.
            _ = try pass.readAll { record in
                guard record.offset < run else { return false }
                switch EventKind(rawValue: record.kind) {
                case .streamSet, .streamDeleted:
                    guard case .stream(let event)? = try? Event(record) else { return true }
                    view.apply(event, at: record.offset)
                default: break
                }
                return true
            }
        }
        return view
    }

    // MARK: Reading

    /// Everything is kept in memory: nothing is missing there.
    private func value(at version: Offset) throws(ErrorBody) -> [UInt8] {
        throw ErrorBody(
            code: "record_unreadable",
            message: "the value of record \(version) is not at hand"
        )
    }

    /// What the log cannot tell is an error of the call.
    private func telling<Value>(
        _ body: () throws(ToolError) -> Value
    ) throws(ErrorBody) -> Value {
        do throws(ToolError) {
            return try body()
        } catch {
            let code = error.code == .historyTrimmed ? "HISTORY_TRIMMED" : "record_unreadable"
            throw ErrorBody(code: code, message: error.message)
        }
    }
}
