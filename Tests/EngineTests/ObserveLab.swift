import JSON
import Observe
import Primitives

@testable import Engine

extension Lab {
    /// A worker that knows of observers, and serves `functions`.
    func joinObserving(
        _ name: String,
        namespace: String? = nil,
        serving functions: String...
    ) throws -> Peer {
        let peer = try connect()
        try settle(.describeObserving(peer, name, namespace: namespace))
        for function in functions { try settle(.serve(peer, function)) }
        return peer
    }

    /// The owner takes what it was asked about.
    @discardableResult
    func accept(_ owner: Peer, _ observer: String, of function: String) throws -> [Effect] {
        try settle(.acknowledge(owner, observer, of: function, revision: .max))
    }

    var observerStates: [String: ObserverState] {
        var states: [String: ObserverState] = [:]
        for case .send(_, .observe(let message)) in left {
            switch message {
            case .result(let id, let state, _, _), .stateChanged(let id, let state, _, _):
                states[id] = state
            default: break
            }
        }
        return states
    }
}

extension Command {
    static func describeObserving(
        _ peer: Peer,
        _ name: String,
        namespace: String? = nil
    ) -> Command {
        var input: JSONObject = [
            "name": .string(name), "runtime": .string("python"), "version": .string("0.25.0"),
            "pid": .integer(7),
            "features": .array([.string("large-messages.v1"), .string("observe.v1")]),
        ]
        if let namespace { input["namespace"] = .string(namespace) }
        let payload = JSONValue.object(input).text.bytes
        return .call(
            peer.connection,
            Call(id: nil, function: "engine::workers::register", payload: payload)
        )
    }

    /// A function with a definition of its own.
    static func serve(_ peer: Peer, _ function: String, _ definition: String) -> Command {
        .register(
            peer.connection,
            .function(
                id: function,
                definition: JSONText(trusted: Array(definition.utf8))
            )
        )
    }

    static func observe(
        _ peer: Peer,
        _ source: String,
        _ target: String,
        id: String = "o",
        _ change: (inout ObserverSpec.Words) -> Void = { _ in }
    ) -> Command {
        var words = ObserverSpec.Words(
            source: FunctionName(id: source),
            target: FunctionName(id: target)
        )
        change(&words)
        let wish = Result { () throws(ErrorBody) in try ObserverSpec(words) }
        return .register(peer.connection, .observe(id: id, wish))
    }

    static func unobserve(_ peer: Peer, _ id: String = "o") -> Command {
        .register(peer.connection, .unobserve(id: id))
    }

    static func acknowledge(
        _ peer: Peer,
        _ observer: String,
        of function: String,
        revision: UInt64,
        _ error: ErrorBody? = nil
    ) -> Command {
        .observed(
            peer.connection,
            .acknowledged(
                ObserverAck(
                    function: function,
                    namespace: nil,
                    observer: observer,
                    revision: revision,
                    error: error
                )
            )
        )
    }

    /// An event that an owner hands out.
    static func emit(
        _ peer: Peer,
        _ function: String,
        _ input: String,
        to observers: [String],
        invocation: String = "elsewhere",
        depth: Int = 0,
        with propagation: Propagation = Propagation()
    ) -> Command {
        let event = ObservedEvent(
            function: FunctionName(namespace: "", id: function),
            invocation: invocation,
            isSuccess: true,
            input: JSONText(trusted: Array(input.utf8)),
            started: 1,
            duration: 0
        )
        let report = ReportedEvent(
            event: event,
            observers: observers,
            depth: depth,
            propagation: propagation
        )
        return .observed(peer.connection, .events([report]))
    }

    /// A call as an SDK makes it that knows of observers.
    static func call(
        _ peer: Peer,
        _ function: String,
        _ payload: String = "{}",
        id: InvocationID? = .text("c"),
        as action: Call.Action = .await,
        with propagation: Propagation = Propagation(),
        context: CallContext
    ) -> Command {
        .call(
            peer.connection,
            Call(
                id: id,
                function: function,
                namespace: nil,
                payload: Array(payload.utf8),
                metadata: nil,
                action: action,
                propagation: propagation,
                context: context
            )
        )
    }
}

extension ObserveMessage {
    var line: String {
        switch self {
        case .functionRegistered(let function, _, let observers):
            "registered \(function.id) [\(observers.map(\.id).joined(separator: " "))]"
        case .observerAdded(let function, _, let observer): "added \(observer.id) to \(function.id)"
        case .observerRemoved(let function, _, let id): "removed \(id) from \(function.id)"
        case .result(let id, let state, let error, let warnings):
            (["observe \(id): \(state)"] + [error?.code].compactMap(\.self) + warnings)
                .joined(separator: ", ")
        case .stateChanged(let id, let state, let reason, let fires):
            "\(id) is \(state)\(reason.map { " (\($0.code))" } ?? ""), fires \(fires)"
        }
    }

    /// Where an owner is told something, its revision.
    var revision: UInt64? {
        switch self {
        case .functionRegistered(_, let revision, _), .observerAdded(_, let revision, _),
            .observerRemoved(_, let revision, _):
            revision
        case .result, .stateChanged: nil
        }
    }
}

extension [Effect] {
    var revisions: [UInt64] {
        compactMap {
            guard case .send(_, .observe(let message)) = $0 else { return nil }
            return message.revision
        }
    }
}
