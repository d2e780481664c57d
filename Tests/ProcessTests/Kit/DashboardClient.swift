/// Asks an engine's dashboard, as its own page does.
struct DashboardClient {
    let port: Int

    init(_ engine: EngineProcess) { port = engine.dashboardPort }

    static let write = ["X-III-Request: 1", "Connection: close"]

    func get(_ path: String, _ headers: [String] = []) throws -> RawResponse {
        try HTTPPeer(port: port).ask("GET", path, headers + ["Connection: close"])
    }

    func post(_ path: String, _ body: Any) throws -> RawResponse {
        try HTTPPeer(port: port).ask("POST", path, Self.write, body: JSON.text(body))
    }

    /// `POST /api/call`.
    func call(
        _ function: String,
        _ data: Any = [String: Any](),
        more: Envelope = [:]
    ) throws
        -> (status: Int, body: Envelope)
    {
        let body: Envelope = ["function_id": function, "data": data]
        let response = try post("/api/call", body.merging(more) { $1 })
        return (response.status, JSON.object(response.text))
    }
}

extension Dictionary where Key == String, Value == Any {
    /// The code of `{"error":{"code":…}}`.
    var errorCode: String? { (self["error"] as? [String: Any])?["code"] as? String }
}
