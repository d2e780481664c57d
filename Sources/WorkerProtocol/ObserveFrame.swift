package import JSON
package import Primitives

/// `observe`: a worker wants a function to be called for another one's events (protocol 12.2).
package struct ObserveFrame: Equatable, Sendable {
    /// The same on every connection.
    package var id: String
    package var source: Source
    package var target: Target
    /// For the target, beside every activation.
    package var metadata: JSONText?
    package var maxFires: Int64?
    package var expiresInMilliseconds: Int64?
    package var maxInFlight: Int64?

    /// What is observed. Words that nobody here knows are kept.
    package struct Source: Equatable, Sendable {
        package var functionID: String
        package var namespace: String?
        package var args: JSONText?
        package var filters: JSONText?
        /// Whether the filters were no standard JSON, and were repaired: then they say something
        /// else than their author did. Not written.
        package var areFiltersRepaired = false
        package var capture: [String]?
        package var on: String?
        package var deliver: String?

        package init(functionID: String, namespace: String? = nil) {
            self.functionID = functionID
            self.namespace = namespace
        }
    }

    /// What is called.
    package struct Target: Equatable, Sendable {
        package var functionID: String
        package var namespace: String?

        package init(functionID: String, namespace: String? = nil) {
            self.functionID = functionID
            self.namespace = namespace
        }
    }

    package init(id: String, source: Source, target: Target) {
        self.id = id
        self.source = source
        self.target = target
    }
}

extension ObserveFrame {
    init(_ envelope: Envelope) throws(FrameError) {
        let fields = try envelope.fields(in: "observe")
        let from = try fields.requiredObject("source")
        let to = try fields.requiredObject("target")
        source = Source(
            functionID: try from.requiredString("function_id"),
            namespace: try from.string("namespace")
        )
        source.args = from.value("args")
        source.filters = from.value("filters")
        source.areFiltersRepaired = envelope.needsRepair(at: ["source", "filters"])
        source.capture = try from.strings("capture")
        source.on = try from.string("on")
        source.deliver = try from.string("deliver")
        target = Target(
            functionID: try to.requiredString("function_id"),
            namespace: try to.string("namespace")
        )
        id = try fields.requiredString("id")
        metadata = fields.value("metadata")
        maxFires = try fields.integer("max_fires")
        expiresInMilliseconds = try fields.integer("expires_in_ms")
        maxInFlight = try fields.integer("max_in_flight")
    }

    func encode(to sink: inout some FrameSink) {
        sink.literal(#"{"type":"observe","id":"#)
        sink.quoted(id)
        sink.literal(#","source":{"function_id":"#)
        sink.quoted(source.functionID)
        sink.optional(#","namespace":"#, source.namespace)
        sink.optional(#","args":"#, source.args)
        sink.optional(#","filters":"#, source.filters)
        if let capture = source.capture { sink.strings(#","capture":"#, capture) }
        sink.optional(#","on":"#, source.on)
        sink.optional(#","deliver":"#, source.deliver)
        sink.literal(#"},"target":{"function_id":"#)
        sink.quoted(target.functionID)
        sink.optional(#","namespace":"#, target.namespace)
        sink.literal("}")
        sink.optional(#","metadata":"#, metadata)
        sink.optional(#","max_fires":"#, maxFires)
        sink.optional(#","expires_in_ms":"#, expiresInMilliseconds)
        sink.optional(#","max_in_flight":"#, maxInFlight)
        sink.literal("}")
    }
}

/// `observerack`: the owner of a function takes one of its observers, or refuses it, maybe long
/// after it took it (protocol 12.4).
package struct ObserverAckFrame: Equatable, Sendable {
    package var functionID: String
    package var namespace: String?
    /// The observer.
    package var id: String
    /// Of the message that it answers.
    package var revision: Int64
    /// Why it is refused; nil: it is taken.
    package var error: ErrorBody?

    package init(
        functionID: String,
        namespace: String?,
        id: String,
        revision: Int64,
        error: ErrorBody? = nil
    ) {
        self.functionID = functionID
        self.namespace = namespace
        self.id = id
        self.revision = revision
        self.error = error
    }
}

extension ObserverAckFrame {
    init(_ envelope: Envelope) throws(FrameError) {
        let fields = try envelope.fields(in: "observerack")
        self.init(
            functionID: try fields.requiredString("function_id"),
            namespace: try fields.string("namespace"),
            id: try fields.requiredString("id"),
            revision: try fields.integer("revision") ?? 0,
            error: fields.value("error").map { ErrorBody($0) }
        )
    }

    func encode(to sink: inout some FrameSink) {
        sink.literal(#"{"type":"observerack","function_id":"#)
        sink.quoted(functionID)
        sink.optional(#","namespace":"#, namespace)
        sink.literal(#","id":"#)
        sink.quoted(id)
        sink.number(#","revision":"#, revision)
        if let error {
            sink.literal(#","error":"#)
            error.encode(to: &sink)
        }
        sink.literal("}")
    }
}
