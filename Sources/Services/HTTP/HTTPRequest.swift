/// A request as the edge read it: nothing decoded, nothing lost.
package struct HTTPRequest: Equatable, Sendable {
    /// Upper case.
    package var method: String
    /// As the client sent it, without the query.
    package var path: String
    /// Without the `?`; nil: there was none.
    package var query: String?
    /// Names in lower case, in the order in which they came.
    package var headers: [(name: String, value: String)]
    /// Empty when it has to be read from the channel.
    package var body: [UInt8]
    /// Whether the body is part of the function's input and has not come yet.
    package var awaitsBody = false
    /// How long the body was waited for, in nanoseconds: part of the request's own time.
    package var bodyTime: UInt64 = 0
    /// Nil: nobody would answer at them.
    package var channels: HTTPChannels?

    package init(
        method: String,
        path: String,
        query: String?,
        headers: [(name: String, value: String)],
        body: [UInt8],
        channels: HTTPChannels? = nil
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.channels = channels
    }

    /// The last value of a header, by its lower-case name.
    package func header(_ name: String) -> String? {
        headers.last { $0.name == name }?.value
    }

    /// Whether the body is read as JSON, and is part of the function's input then.
    var isJSON: Bool { header("content-type").map(HTTPEvent.isJSON) ?? false }

    package static func == (left: HTTPRequest, right: HTTPRequest) -> Bool {
        left.method == right.method && left.path == right.path && left.query == right.query
            && left.body == right.body && left.channels == right.channels
            && left.headers.elementsEqual(right.headers) {
                $0.name == $1.name && $0.value == $1.value
            }
    }
}

/// What the client gets.
package struct HTTPReply: Equatable, Sendable {
    package var status: Int
    /// In order, duplicates kept.
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
    /// Whether the CORS headers are left out, as they are when time has run out (services 1, A.10).
    package var isBare = false
    /// Why it looks as if the function whose value it was made of meant another response; nil: it
    /// does not. Not a part of what is sent.
    package var oddity: Oddity?

    package init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    package static func == (left: HTTPReply, right: HTTPReply) -> Bool {
        left.status == right.status && left.body == right.body && left.isBare == right.isBare
            && left.headers.elementsEqual(right.headers) {
                $0.name == $1.name && $0.value == $1.value
            }
    }
}
