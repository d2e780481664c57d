import JSON
import Primitives

/// A trigger type as listings show it: the engine's own, or a worker's.
struct TriggerTypeEntry {
    let name: TriggerTypeName
    let workerName: String
    let description: String
    /// What a trigger's configuration looks like.
    var configuration: JSONText?
    /// What its function is called with.
    var request: JSONText?
    /// What its function has to answer, where that is fixed.
    var response: JSONText?

    /// Those that the engine itself serves, with the module that does.
    static let builtIn: [(type: TriggerTypeEntry, module: EngineModule)] =
        EngineTriggerType.allCases.map { type in
            switch type {
            case .http: (http, .http)
            case .cron: (cron, .cron)
            case .queue, .durableSubscriber: (queue(type), .queue)
            case .state: (state, .state)
            case .configuration: (configurationEntry, .configuration)
            case .stream: (stream, .stream)
            case .streamJoin: (streamVisit(type, "joins"), .stream)
            case .streamLeave: (streamVisit(type, "leaves"), .stream)
            case .subscribe: (subscribe, .pubsub)
            case .log: (log, .observability)
            case .trace: (trace, .observability)
            case .functionsAvailable: (functionsAvailable, .functions)
            case .workersAvailable: (workersAvailable, .workers)
            }
        }

    private static func name(_ type: EngineTriggerType) -> TriggerTypeName {
        TriggerTypeName(namespace: FunctionName.defaultNamespace, id: type.rawValue)
    }

    private static let http = TriggerTypeEntry(
        name: name(.http),
        workerName: "iii-http",
        description: "Runs the function on HTTP requests of a method and path",
        configuration: schema(
            #"{"api_path":{"type":"string"},"http_method":{"type":"string"},"#
                + #""condition_function_id":{"type":"string"}}"#,
            required: "api_path"
        ),
        request: schema(
            #"{"method":{"type":"string"},"path":{"type":"string"},"#
                + #""path_params":{"type":"object"},"query_params":{"type":"object"},"#
                + #""headers":{"type":"object"},"body":{}}"#
        ),
        response: schema(
            #"{"status_code":{"type":"integer"},"headers":{"type":"object"},"body":{}}"#
        )
    )

    private static let cron = TriggerTypeEntry(
        name: name(.cron),
        workerName: "iii-cron",
        description: "Runs the function on a schedule",
        configuration: schema(
            #"{"expression":{"type":"string"},"timezone":{"type":"string"},"#
                + #""catch_up":{"enum":["skip","one","all","window"]},"window":{"type":"string"},"#
                + #""max":{"type":"integer"},"overlap":{"enum":["skip","allow","queue"]},"#
                + #""jitter":{"type":"string"},"condition_function_id":{"type":"string"}}"#,
            required: "expression"
        ),
        request: schema(
            #"{"trigger":{"type":"string"},"job_id":{"type":"string"},"#
                + #""scheduled_time":{"type":"string"},"actual_time":{"type":"string"}}"#
        )
    )

    private static func queue(_ type: EngineTriggerType) -> TriggerTypeEntry {
        TriggerTypeEntry(
            name: name(type),
            workerName: "queue",
            description: "Runs the function for each message of a topic, until it succeeds",
            configuration: schema(
                #"{"topic":{"type":"string"},"condition_function_id":{"type":"string"},"#
                    + #""queue_config":{"type":"object"}}"#,
                required: "topic"
            )
        )
    }

    private static let state = TriggerTypeEntry(
        name: name(.state),
        workerName: EngineModule.state.rawValue,
        description: "Runs the function when a value of the state is written or deleted",
        configuration: schema(
            #"{"scope":{"type":"string"},"key":{"type":"string"},"#
                + #""condition_function_id":{"type":"string"}}"#
        ),
        request: schema(
            #"{"type":{"type":"string"},"event_type":{"type":"string"},"#
                + #""scope":{"type":"string"},"key":{"type":"string"},"#
                + #""old_value":{},"new_value":{}}"#
        )
    )

    private static let configurationEntry = TriggerTypeEntry(
        name: name(.configuration),
        workerName: EngineModule.configuration.rawValue,
        description: "Runs the function when an entry of the configuration changes",
        configuration: schema(
            #"{"configuration_id":{"type":"string"},"#
                + #""event_types":{"type":"array","items":{"enum":["configuration:registered","#
                + #""configuration:updated","configuration:deleted"]}},"#
                + #""condition_function_id":{"type":"string"}}"#
        ),
        request: schema(
            #"{"type":{"type":"string"},"event_type":{"type":"string"},"id":{"type":"string"},"#
                + #""name":{"type":"string"},"description":{"type":"string"},"schema":{},"#
                + #""old_value":{},"new_value":{},"metadata":{}}"#
        )
    )

    private static let stream = TriggerTypeEntry(
        name: name(.stream),
        workerName: EngineModule.stream.rawValue,
        description: "Runs the function for what changes in a stream",
        configuration: schema(
            #"{"stream_name":{"type":"string"},"group_id":{"type":"string"},"#
                + #""item_id":{"type":"string"},"condition_function_id":{"type":"string"}}"#,
            required: "stream_name"
        ),
        request: schema(
            #"{"type":{"type":"string"},"timestamp":{"type":"integer"},"#
                + #""streamName":{"type":"string"},"groupId":{"type":"string"},"#
                + #""id":{"type":["string","null"]},"event":{"type":"object"}}"#
        )
    )

    private static func streamVisit(_ type: EngineTriggerType, _ verb: String) -> TriggerTypeEntry {
        TriggerTypeEntry(
            name: name(type),
            workerName: EngineModule.stream.rawValue,
            description: "Runs the function when somebody \(verb) a group of a stream",
            request: schema(
                #"{"subscription_id":{"type":"string"},"stream_name":{"type":"string"},"#
                    + #""group_id":{"type":"string"},"id":{"type":["string","null"]},"context":{}}"#
            ),
            response: type == .streamJoin ? schema(#"{"unauthorized":{"type":"boolean"}}"#) : nil
        )
    }

    private static let subscribe = TriggerTypeEntry(
        name: name(.subscribe),
        workerName: EngineModule.pubsub.rawValue,
        description: "Runs the function for whatever is published to a topic, once, if it can",
        configuration: schema(#"{"topic":{"type":"string"}}"#, required: "topic")
    )

    private static let log = TriggerTypeEntry(
        name: name(.log),
        workerName: EngineModule.observability.rawValue,
        description: "Runs the function for log lines of a level",
        configuration: schema(#"{"level":{"type":"string"}}"#),
        request: schema(
            #"{"severity_text":{"type":"string"},"body":{"type":"string"},"#
                + #""trace_id":{"type":["string","null"]},"attributes":{"type":"object"}}"#
        )
    )

    private static let trace = TriggerTypeEntry(
        name: name(.trace),
        workerName: EngineModule.observability.rawValue,
        description: "Runs the function when spans have ended, for all their traces at once",
        configuration: schema(
            #"{"service_name":{"type":"string"},"status":{"type":"string"}}"#
        ),
        request: schema(#"{"trace_ids":{"type":"array"}}"#)
    )

    private static let functionsAvailable = TriggerTypeEntry(
        name: name(.functionsAvailable),
        workerName: EngineModule.functions.rawValue,
        description: "Runs the function when functions have come or gone",
        request: schema(#"{"event":{"type":"string"},"functions":{"type":"array"}}"#)
    )

    private static let workersAvailable = TriggerTypeEntry(
        name: name(.workersAvailable),
        workerName: EngineModule.workers.rawValue,
        description: "Runs the function when a worker has come, gone or said who it is",
        request: schema(#"{"event":{"type":"string"},"worker_id":{"type":"string"}}"#)
    )

    private static func schema(_ properties: String, required: String? = nil) -> JSONText {
        let ending = required.map { #","required":["\#($0)"]"# } ?? ""
        let text = #"{"type":"object","properties":\#(properties)\#(ending)}"#
        return JSONText(trusted: Array(text.utf8))
    }
}
