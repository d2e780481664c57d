import JSON
import NetServer
import Primitives

/// What the dashboard answers with: JSON, and headers that let a browser do little.
enum DashboardReply {
    /// Scripts, styles and requests are the dashboard's own; nothing may stand inline, and no page
    /// may frame it.
    static let contentPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        + "img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'none'; "
        + "frame-ancestors 'none'"

    static let security: [(name: String, value: String)] = [
        ("content-security-policy", contentPolicy),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ]

    static func json(_ text: JSONText, status: Int = 200) -> HTTPReply {
        HTTPReply(
            status: status,
            headers: [("content-type", "application/json"), ("cache-control", "no-store")],
            vouched: security,
            body: text.bytes
        )
    }

    static func text(_ body: [UInt8], type: String, status: Int = 200) -> HTTPReply {
        HTTPReply(
            status: status,
            headers: [("content-type", type), ("cache-control", "no-store")],
            vouched: security,
            body: body
        )
    }

    /// `{"error":{"code","message"}}`, and the trace that the failure belongs to, if any.
    static func failure(_ status: Int, _ error: ErrorBody, trace: TraceID? = nil) -> HTTPReply {
        var json = JSONBuilder()
        json.beginObject()
        json.key("error")
        json.raw(JSONText(error))
        if let trace {
            json.key("trace_id")
            json.string(trace.description)
        }
        json.endObject()
        return self.json(json.finish(), status: status)
    }

    static func failure(_ status: Int, _ code: String, _ message: String) -> HTTPReply {
        failure(status, ErrorBody(code: code, message: message))
    }

    /// Nothing was asked of the engine, which is not ready, or not any more.
    static func unready(_ stage: DashboardStage.Stage) -> HTTPReply {
        if case .stopping = stage {
            return failure(503, "SHUTTING_DOWN", "the engine is stopping")
        }
        return failure(
            503,
            "RECOVERING",
            "the engine is reading its log; try again soon, /readyz says when"
        )
    }

    static func notAllowed(_ methods: String) -> HTTPReply {
        var reply = failure(405, "METHOD_NOT_ALLOWED", "allowed here: \(methods)")
        reply.headers.append(("allow", methods))
        return reply
    }
}
