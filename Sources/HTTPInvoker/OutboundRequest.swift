import Engine
import HTTPFunctions
import NIOHTTP1
import Primitives

/// One request as it will be sent, secrets and signature included.
struct OutboundRequest {
    let endpoint: Endpoint
    /// The connection that registered the function.
    let owner: ConnectionID
    let head: HTTPRequestHead
    let body: [UInt8]

    init(_ fetch: Effect.Fetch, secrets: [String: String], seconds: Int64) throws(ErrorBody) {
        let endpoint = fetch.endpoint
        let dispatch = fetch.dispatch
        self.endpoint = endpoint
        owner = fetch.owner
        body = Endpoint.body(dispatch.payload, caller: dispatch.caller)
        var headers = HTTPHeaders()
        let own = endpoint.headers(
            function: dispatch.function,
            invocation: dispatch.invocation,
            seconds: seconds,
            traceparent: dispatch.traceparent
        )
        for header in own { headers.replaceOrAdd(name: header.name, value: header.value) }
        if let authentication = endpoint.authentication {
            guard let secret = secrets[authentication.secret], secret.isFieldValue else {
                throw ErrorBody(
                    code: authentication.missingCode,
                    message: "environment variable \(authentication.secret) is not set, or is "
                        + "not of one line"
                )
            }
            switch authentication {
            case .hmac:
                let signature = Signature.header(secret: secret, seconds: seconds, body: body)
                headers.replaceOrAdd(name: "x-iii-timestamp", value: String(seconds))
                headers.replaceOrAdd(name: "x-iii-signature", value: signature)
            case .bearer:
                headers.replaceOrAdd(name: "authorization", value: "Bearer \(secret)")
            case .apiKey(let header, _):
                headers.replaceOrAdd(name: header, value: secret)
            }
        }
        headers.replaceOrAdd(name: "host", value: endpoint.url.authority)
        headers.replaceOrAdd(name: "content-length", value: String(body.count))
        headers.replaceOrAdd(name: "connection", value: "close")
        head = HTTPRequestHead(
            version: .http1_1,
            method: HTTPMethod(rawValue: endpoint.method.rawValue),
            uri: endpoint.url.target,
            headers: headers
        )
    }
}
