package import Primitives

extension JSONText {
    /// An error as it is told everywhere: `{"code","message"}`, with `stacktrace` where there is one.
    package init(_ error: ErrorBody) {
        var json = JSONBuilder()
        json.beginObject()
        json.key("code")
        json.string(error.code)
        json.key("message")
        json.string(error.message)
        if let stacktrace = error.stacktrace {
            json.key("stacktrace")
            json.string(stacktrace)
        }
        json.endObject()
        self = json.finish()
    }
}
