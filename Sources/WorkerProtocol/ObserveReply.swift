package import JSON
package import Primitives

/// What the engine says about observers, to workers that declared `observe.v1` (protocol 12.2,
/// 12.4). Written only: no worker in Swift observes.
package enum ObserveReply: OutgoingFrame {
    /// To the owner: its function is registered, and these are all of its observers.
    case functionRegistered(
        id: String,
        namespace: String,
        revision: UInt64,
        observers: [ObserverInfo]
    )
    case observerAdded(
        functionID: String,
        namespace: String,
        revision: UInt64,
        observer: ObserverInfo
    )
    case observerRemoved(functionID: String, namespace: String, revision: UInt64, id: String)
    /// The answer to `observe`.
    case result(id: String, state: String, error: ErrorBody?, warnings: [String])
    case stateChanged(id: String, state: String, reason: ErrorBody?, fires: UInt64)

    /// An observer as the function's owner sees it.
    package struct ObserverInfo: Equatable, Sendable {
        package var id: String
        package var args: JSONText
        package var filters: JSONText
        package var target: String
        package var capture: [String]
        package var on: String
        /// The trigger that it stands for.
        package var legacy: Legacy?

        package struct Legacy: Equatable, Sendable {
            package var triggerType: String
            package var config: JSONText

            package init(triggerType: String, config: JSONText) {
                self.triggerType = triggerType
                self.config = config
            }
        }

        package init(
            id: String,
            args: JSONText,
            filters: JSONText,
            target: String,
            capture: [String],
            on: String,
            legacy: Legacy? = nil
        ) {
            self.id = id
            self.args = args
            self.filters = filters
            self.target = target
            self.capture = capture
            self.on = on
            self.legacy = legacy
        }
    }

    package func encode(to sink: inout some FrameSink) {
        switch self {
        case .functionRegistered(let id, let namespace, let revision, let observers):
            let opening: StaticString = #"{"type":"functionregistered","id":"#
            sink.begin(opening, function: id, namespace, revision)
            sink.literal(#","local_dispatch":false,"observers":["#)
            for (index, observer) in observers.enumerated() {
                if index > 0 { sink.literal(",") }
                observer.encode(to: &sink)
            }
            sink.literal("]}")
        case .observerAdded(let functionID, let namespace, let revision, let observer):
            let opening: StaticString = #"{"type":"observeradded","function_id":"#
            sink.begin(opening, function: functionID, namespace, revision)
            sink.literal(#","observer":"#)
            observer.encode(to: &sink)
            sink.literal("}")
        case .observerRemoved(let functionID, let namespace, let revision, let id):
            let opening: StaticString = #"{"type":"observerremoved","function_id":"#
            sink.begin(opening, function: functionID, namespace, revision)
            sink.optional(#","id":"#, id)
            sink.literal("}")
        case .result(let id, let state, let error, let warnings):
            sink.begin(#"{"type":"observeresult","id":"#, observer: id, state)
            sink.optional(#","error":"#, error)
            if !warnings.isEmpty { sink.strings(#","warnings":"#, warnings) }
            sink.literal("}")
        case .stateChanged(let id, let state, let reason, let fires):
            sink.begin(#"{"type":"observerstatechanged","id":"#, observer: id, state)
            sink.optional(#","reason":"#, reason)
            sink.number(#","fires":"#, fires)
            sink.literal("}")
        }
    }
}

extension ObserveReply.ObserverInfo {
    fileprivate func encode(to sink: inout some FrameSink) {
        sink.literal(#"{"id":"#)
        sink.quoted(id)
        sink.optional(#","args":"#, args)
        sink.optional(#","filters":"#, filters)
        sink.optional(#","target":"#, target)
        sink.strings(#","capture":"#, capture)
        sink.optional(#","on":"#, on)
        if let legacy {
            sink.literal(#","legacy":{"trigger_type":"#)
            sink.quoted(legacy.triggerType)
            sink.optional(#","config":"#, legacy.config)
            sink.literal("}")
        }
        sink.literal("}")
    }
}

extension FrameSink {
    /// What owners are told begins with the function.
    fileprivate mutating func begin(
        _ opening: StaticString,
        function: String,
        _ namespace: String,
        _ revision: UInt64
    ) {
        literal(opening)
        quoted(function)
        optional(#","namespace":"#, namespace)
        number(#","revision":"#, revision)
    }

    /// What those who observe are told begins with the observer.
    fileprivate mutating func begin(_ opening: StaticString, observer: String, _ state: String) {
        literal(opening)
        quoted(observer)
        optional(#","state":"#, state)
    }

    fileprivate mutating func optional(_ name: StaticString, _ error: ErrorBody?) {
        guard let error else { return }
        literal(name)
        error.encode(to: &self)
    }
}
