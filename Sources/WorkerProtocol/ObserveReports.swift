package import JSON

/// An item of `invocationsobserved`: an event of a function that its worker matched by itself
/// (protocol 12.7). A part that is nil is absent, which is not null.
package struct ObservedInvocation: Equatable, Sendable {
    package var functionID: String
    package var namespace: String?
    package var invocationID: String
    /// The observers that it is for.
    package var matched: [String] = []
    /// `success` or `error`.
    package var status = "success"
    package var input: JSONText?
    package var output: JSONText?
    package var error: JSONText?
    package var caller: JSONText?
    package var metadata: JSONText?
    /// Since 1970.
    package var startedMilliseconds: Double = 0
    package var durationMilliseconds: Double = 0
    package var observeDepth: Int64 = 0
    package var traceparent: String?
    package var baggage: String?

    package init(functionID: String, namespace: String? = nil, invocationID: String) {
        self.functionID = functionID
        self.namespace = namespace
        self.invocationID = invocationID
    }
}

extension ObservedInvocation {
    static func items(_ envelope: Envelope) throws(FrameError) -> [ObservedInvocation] {
        var items: [ObservedInvocation] = []
        for fields in try envelope.fields(in: "invocationsobserved").objects("items") {
            items.append(try ObservedInvocation(fields))
        }
        return items
    }

    private init(_ fields: MessageFields) throws(FrameError) {
        functionID = try fields.requiredString("function_id")
        namespace = try fields.string("namespace")
        invocationID = try fields.requiredString("invocation_id")
        matched = try fields.strings("matched") ?? []
        status = try fields.string("status") ?? "success"
        input = fields.valueOrNull("input")
        output = fields.valueOrNull("output")
        error = fields.valueOrNull("error")
        caller = fields.value("caller")
        metadata = fields.valueOrNull("metadata")
        startedMilliseconds = try fields.number("started_at_ms") ?? 0
        durationMilliseconds = try fields.number("duration_ms") ?? 0
        observeDepth = try fields.integer("observe_depth") ?? 0
        traceparent = try fields.string("traceparent")
        baggage = try fields.string("baggage")
    }

    static func encode(_ items: [ObservedInvocation], to sink: inout some FrameSink) {
        sink.literal(#"{"type":"invocationsobserved","items":["#)
        for (index, item) in items.enumerated() {
            if index > 0 { sink.literal(",") }
            item.encode(to: &sink)
        }
        sink.literal("]}")
    }

    private func encode(to sink: inout some FrameSink) {
        sink.literal(#"{"function_id":"#)
        sink.quoted(functionID)
        sink.optional(#","namespace":"#, namespace)
        sink.literal(#","invocation_id":"#)
        sink.quoted(invocationID)
        sink.strings(#","matched":"#, matched)
        sink.literal(#","status":"#)
        sink.quoted(status)
        sink.optional(#","input":"#, input)
        sink.optional(#","output":"#, output)
        sink.optional(#","error":"#, error)
        sink.optional(#","caller":"#, caller)
        sink.optional(#","metadata":"#, metadata)
        sink.number(#","started_at_ms":"#, startedMilliseconds)
        sink.number(#","duration_ms":"#, durationMilliseconds)
        sink.number(#","observe_depth":"#, observeDepth)
        sink.optional(#","traceparent":"#, traceparent)
        sink.optional(#","baggage":"#, baggage)
        sink.literal("}")
    }
}

/// `localinvocationstats`: calls that a worker ran by itself, and reports that it dropped, since it
/// told last (protocol 12.7).
package struct LocalInvocationStats: Equatable, Sendable {
    package var windowMilliseconds: Int64
    package var functions: [Function]
    package var dropped: [Dropped]

    package struct Function: Equatable, Sendable {
        package var functionID: String
        package var count: Int64
        package var errors: Int64
        package var durationMilliseconds: Double

        package init(functionID: String, count: Int64, errors: Int64, durationMilliseconds: Double)
        {
            self.functionID = functionID
            self.count = count
            self.errors = errors
            self.durationMilliseconds = durationMilliseconds
        }
    }

    package struct Dropped: Equatable, Sendable {
        package var functionID: String
        package var reason: String
        package var count: Int64

        package init(functionID: String, reason: String, count: Int64) {
            self.functionID = functionID
            self.reason = reason
            self.count = count
        }
    }

    package init(windowMilliseconds: Int64, functions: [Function], dropped: [Dropped]) {
        self.windowMilliseconds = windowMilliseconds
        self.functions = functions
        self.dropped = dropped
    }
}

extension LocalInvocationStats {
    init(_ envelope: Envelope) throws(FrameError) {
        let fields = try envelope.fields(in: "localinvocationstats")
        windowMilliseconds = try fields.integer("window_ms") ?? 0
        functions = []
        for function in try fields.objects("functions") {
            functions.append(
                Function(
                    functionID: try function.requiredString("function_id"),
                    count: try function.integer("count") ?? 0,
                    errors: try function.integer("errors") ?? 0,
                    durationMilliseconds: try function.number("duration_ms_sum") ?? 0
                )
            )
        }
        dropped = []
        for drop in try fields.objects("dropped_reports") {
            dropped.append(
                Dropped(
                    functionID: try drop.requiredString("function_id"),
                    reason: try drop.string("reason") ?? "",
                    count: try drop.integer("count") ?? 0
                )
            )
        }
    }

    func encode(to sink: inout some FrameSink) {
        sink.number(#"{"type":"localinvocationstats","window_ms":"#, windowMilliseconds)
        sink.literal(#","functions":["#)
        for (index, function) in functions.enumerated() {
            if index > 0 { sink.literal(",") }
            sink.literal(#"{"function_id":"#)
            sink.quoted(function.functionID)
            sink.number(#","count":"#, function.count)
            sink.number(#","errors":"#, function.errors)
            sink.number(#","duration_ms_sum":"#, function.durationMilliseconds)
            sink.literal("}")
        }
        sink.literal(#"],"dropped_reports":["#)
        for (index, drop) in dropped.enumerated() {
            if index > 0 { sink.literal(",") }
            sink.literal(#"{"function_id":"#)
            sink.quoted(drop.functionID)
            sink.literal(#","reason":"#)
            sink.quoted(drop.reason)
            sink.number(#","count":"#, drop.count)
            sink.literal("}")
        }
        sink.literal("]}")
    }
}
