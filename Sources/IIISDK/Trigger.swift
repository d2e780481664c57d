import JSON

/// What makes a function run without being called.
public struct Trigger: Sendable, Equatable {
    /// The trigger type as the engine knows it.
    public let type: String
    /// What that type needs to know.
    public let config: RawJSON

    /// Any trigger type, with the configuration that it asks for.
    public init(type: String, config: RawJSON) {
        self.type = type
        self.config = config
    }

    /// An HTTP method.
    public enum Method: String, Sendable {
        /// Reads.
        case get = "GET"
        /// Adds.
        case post = "POST"
        /// Replaces.
        case put = "PUT"
        /// Removes.
        case delete = "DELETE"
        /// Changes.
        case patch = "PATCH"
        /// Reads the headers.
        case head = "HEAD"
        /// Asks what is possible.
        case options = "OPTIONS"
    }

    /// A request; a segment of `path` that starts with `:` is a parameter.
    ///
    /// A function with plain types gets the request's JSON body, and its result becomes the
    /// response's body; one that takes an ``HTTPRequest`` or returns an ``HTTPResponse`` sees all.
    public static func http(_ method: Method, _ path: String) -> Trigger {
        Trigger(type: httpType) { builder in
            builder.key("api_path")
            builder.string(path)
            builder.key("http_method")
            builder.string(method.rawValue)
        }
    }

    /// A schedule: 5 fields as in crontab, 6 with seconds in front.
    public static func cron(_ expression: String) -> Trigger {
        Trigger(type: "cron") { builder in
            builder.key("expression")
            builder.string(expression)
        }
    }

    /// Everything published to `topic`, durably, `concurrency` at a time.
    public static func queue(_ topic: String, concurrency: Int? = nil) -> Trigger {
        Trigger(type: "durable:subscriber") { builder in
            builder.key("topic")
            builder.string(topic)
            guard let concurrency else { return }
            builder.key("queue_config")
            builder.beginObject()
            builder.key("concurrency")
            builder.integer(concurrency)
            builder.endObject()
        }
    }

    /// What changes in a stream, or is sent to it; of one group or item, where they are named.
    public static func stream(
        _ name: String,
        group: String? = nil,
        item: String? = nil
    ) -> Trigger {
        Trigger(type: "stream") { builder in
            builder.key("stream_name")
            builder.string(name)
            if let group {
                builder.key("group_id")
                builder.string(group)
            }
            if let item {
                builder.key("item_id")
                builder.string(item)
            }
        }
    }

    static let httpType = "http"
    /// Types whose triggers outlive their worker, until they are taken back.
    static let subscriptionTypes: Set<String> = ["durable:subscriber", "queue"]

    private init(type: String, members: (inout JSONBuilder) -> Void) {
        var builder = JSONBuilder()
        builder.beginObject()
        members(&builder)
        builder.endObject()
        self.init(type: type, config: RawJSON(builder.finish()))
    }
}

/// A trigger as it was registered.
public struct TriggerID: Hashable, Sendable {
    /// The id by which the engine knows it.
    public let rawValue: String
    let type: String
}
