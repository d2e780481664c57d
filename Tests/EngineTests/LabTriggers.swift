import JSON
import Primitives

@testable import Engine

// Triggers and their providers, in short.

extension Command {
    static func trigger(
        _ peer: Peer,
        _ type: String,
        _ config: String,
        to function: String,
        id: String = "t",
        metadata: String? = nil,
        namespace: String? = nil,
        at typeNamespace: String? = nil
    ) -> Command {
        .register(
            peer.connection,
            .trigger(
                TriggerRequest(
                    id: id,
                    type: type,
                    function: function,
                    config: JSONText(trusted: Array(config.utf8)),
                    metadata: metadata.map { JSONText(trusted: Array($0.utf8)) },
                    namespace: namespace,
                    triggerNamespace: typeNamespace
                )
            )
        )
    }

    static func provide(_ peer: Peer, _ type: String, in namespace: String? = nil) -> Command {
        .register(
            peer.connection,
            .triggerType(TriggerTypeOffer(id: type, namespace: namespace))
        )
    }

    static func accept(_ peer: Peer, _ trigger: String, _ type: String) -> Command {
        .triggerAnswered(peer.connection, TriggerAnswer(id: trigger, type: type))
    }

    static func refuse(
        _ peer: Peer,
        _ trigger: String,
        _ type: String,
        _ message: String = "no"
    ) -> Command {
        let error = ErrorBody(code: "bad", message: message)
        return .triggerAnswered(
            peer.connection,
            TriggerAnswer(id: trigger, type: type, error: error)
        )
    }
}

extension [Effect] {
    /// What went to this peer, one line each.
    func lines(to peer: Peer) -> [String] {
        compactMap { effect in
            switch effect {
            case .send(peer.connection, _), .close(peer.connection, _, _),
                .probe(peer.connection):
                effect.line
            default: nil
            }
        }
    }
}
