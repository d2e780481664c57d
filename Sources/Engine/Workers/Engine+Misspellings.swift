import ConfigurationEntries
import Cron
import HTTP
import JSON
import Primitives
import Queue
import State
import Stream

// Members of inputs and of configurations that nobody knows. They are passed over (services 1,
// 0.3), and a misspelt one leaves something undone: whoever runs the engine is told.

extension Engine where Store: ~Copyable {
    /// Tells once of a member that a function, or triggers of a type, pass over, where it is close
    /// to one that was probably meant. `subject` is who does; nil: what has that name.
    mutating func tell(
        ofUnknown name: String,
        in kind: String,
        by subject: String? = nil,
        known: [String]
    ) {
        guard !known.isEmpty, name.utf8.count <= 64,
            let meant = unknownMembers.meant(by: name, in: kind, known: known)
        else { return }
        let what = subject ?? kind
        notice(.warning, "\(what) ignores \"\(name)\"; did you mean \"\(meant)\"?")
    }

    /// The same of the members of a trigger's configuration, which was read.
    mutating func tell(ofUnknownIn request: TriggerRequest, _ type: EngineTriggerType) {
        let known = type.members
        let subject = "\(type.rawValue) trigger \(request.id), for \(request.function),"
        for config in [request.config, request.config.member("queue_config")] {
            guard let config, let members = config.allMembers else { continue }
            for member in members where !known.contains(member.name) {
                tell(ofUnknown: member.name, in: type.rawValue, by: subject, known: known)
            }
        }
    }
}

/// Members that nobody knows, as far as they were looked at.
struct UnknownMembers {
    private var misspelt = OnceTold<String>()
    /// Those that are close to no other: they are not compared again with every call. Forgotten
    /// when they are many, since whoever sends many must keep nobody else from being told.
    private var others: Set<String> = []

    private static var most: Int { 1000 }

    /// The one of the `known` that a member of `kind` was probably meant to be; nil: there is none,
    /// or it was told before.
    mutating func meant(by name: String, in kind: String, known: [String]) -> String? {
        let member = "\(kind) \(name)"
        guard misspelt.isUntold(member), !others.contains(member) else { return nil }
        guard let meant = Suggestion.meant(by: name, in: known) else {
            if others.count == Self.most { others.removeAll() }
            others.insert(member)
            return nil
        }
        return misspelt.isFirst(member) ? meant : nil
    }
}

extension EngineTriggerType {
    /// The members of a configuration that are read; empty where none is.
    fileprivate var members: [String] {
        switch self {
        case .http: HTTPTrigger.members
        case .cron: CronTrigger.members
        case .queue, .durableSubscriber: QueueTrigger.members
        case .state: StateTrigger.members
        case .stream: StreamTrigger.members
        case .configuration: ConfigurationTrigger.members
        case .subscribe: ["topic"]
        case .log: ["level"]
        case .trace: ["service_name", "status"]
        case .streamJoin, .streamLeave, .functionsAvailable, .workersAvailable: []
        }
    }
}
