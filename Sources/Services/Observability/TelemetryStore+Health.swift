package import JSON
import Primitives

// What is set up, and how it does.

extension TelemetryStore {
    func health(_ context: TelemetryContext) -> JSONText {
        func component(_ isOn: Bool, _ details: JSONObject) -> JSONValue {
            .object([
                "status": .string(isOn ? "healthy" : "disabled"),
                "details": isOn ? .object(details) : .null,
            ])
        }
        let isOn = settings.tracing || settings.logging
        return JSONValue.object([
            "status": .string("healthy"),
            "components": .object([
                "otel": component(isOn, pipeline(context)),
                "metrics": component(
                    settings.tracing,
                    ["stored_metrics": .integer(Int64(metrics.window.entries.count))]
                ),
                "logs": component(
                    settings.logging,
                    ["stored_logs": .integer(Int64(logs.window.entries.count))]
                ),
                "spans": component(
                    settings.tracing,
                    ["stored_spans": .integer(Int64(spans.window.entries.count))]
                ),
            ]),
            "timestamp": .integer(context.now.milliseconds),
            "version": .string(context.version),
        ]).text
    }

    /// Where telemetry goes, and how much of it found no room.
    private func pipeline(_ context: TelemetryContext) -> JSONObject {
        [
            "exporter": .string(settings.exporter),
            "dropped_frames": .integer(Int64(clamping: context.droppedFrames)),
            "dropped_span_frames": .integer(Int64(clamping: context.droppedSpans)),
            "spans_not_sampled": .integer(Int64(clamping: sampler.passedOver)),
        ]
    }

    func samplingRules(_ context: TelemetryContext) -> JSONText {
        settings.sampling.json(
            isTracing: settings.tracing,
            isLogging: settings.logging,
            now: context.now
        ).text
    }

    func baggage(
        _ function: TelemetryFunction,
        _ input: JSONText,
        _ context: TelemetryContext
    ) throws(ErrorBody) -> JSONText {
        let entries = CallerBaggage.entries(context.baggage)
        switch function {
        case .allBaggage:
            return JSONValue.object(["baggage": .object(entries)]).text
        case .getBaggage:
            let key = try JSONFields.read(input, of: function.rawValue) {
                (fields) throws(JSONFieldError) in try fields.requiredString("key")
            }
            return JSONValue.object(["value": entries[key] ?? .null]).text
        default:
            try JSONFields.read(input, of: function.rawValue) { (fields) throws(JSONFieldError) in
                _ = try fields.requiredString("key")
                _ = try fields.requiredString("value")
            }
            return JSONValue.object([
                "success": .bool(true),
                "note": .string("baggage travels with a call: set it where the call is made"),
            ]).text
        }
    }
}

/// W3C baggage (section 3.3) as an object.
package enum CallerBaggage {
    /// What a handler recognises a repeated delivery by. Not `iii.message.id`: that one is the
    /// sender's, as `iii.session.id` is, and is brought along as it was sent (services 2, A.4).
    package static let receiptKey = "iii.message.receipt"

    /// What tells of one span alone, and of nothing that a message from there leads to (services 2,
    /// A.4): of a delivery, the receipt of its message is.
    package static let spanTags: Set<String> = [
        "iii.tag.kind", "iii.tag.display_name", "iii.tag.hidden", receiptKey,
    ]

    package static func entries(_ header: String?) -> JSONObject {
        var object = JSONObject()
        for entry in header?.split(separator: ",") ?? [] {
            // Properties of an entry, behind a semicolon, are not its value.
            let member = entry.split(separator: ";", omittingEmptySubsequences: false)[0]
            let pair = member.split(
                separator: "=",
                maxSplits: 1,
                omittingEmptySubsequences: false
            )
            guard pair.count == 2 else { continue }
            let key = String(trimmed(pair[0]))
            guard !key.isEmpty else { continue }
            let value = trimmed(pair[1]).percentDecoded
            object[key] = .string(String(decoding: value, as: UTF8.self))
        }
        return object
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let start = text.drop { $0 == " " || $0 == "\t" }
        let end = start.lastIndex { $0 != " " && $0 != "\t" }
        return end.map { start[...$0] } ?? ""
    }
}
