/// Where an engine listens.
struct EngineAddress: Equatable, Sendable {
    static let standard = "ws://127.0.0.1:49134"
    static let standardPort = 49134

    let host: String
    let port: Int
    /// The request target: path and query.
    let target: String

    /// Reads `ws://host[:port][/path][?query]`.
    init(_ text: String) throws(SDKError) {
        if text.hasPrefix("wss://") {
            throw Self.invalid(text, "this worker speaks no TLS; go through a proxy that does")
        }
        guard text.hasPrefix("ws://") else {
            throw Self.invalid(text, "it must look like \(Self.standard)")
        }
        let rest = text.dropFirst("ws://".count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let ending = rest.dropFirst(authority.count).prefix { $0 != "#" }
        target = ending.hasPrefix("/") ? String(ending) : "/" + ending
        let portText: Substring
        if authority.hasPrefix("["), let bracket = authority.firstIndex(of: "]") {
            host = String(authority[authority.index(after: authority.startIndex)..<bracket])
            portText = authority[authority.index(after: bracket)...]
        } else {
            let name = authority.prefix { $0 != ":" }
            host = String(name)
            portText = authority.dropFirst(name.count)
        }
        guard !host.isEmpty, !host.contains("@") else {
            throw Self.invalid(text, "it names no host")
        }
        guard portText.isEmpty || portText.hasPrefix(":"),
            let port = portText.isEmpty ? Self.standardPort : Int(portText.dropFirst()),
            (1...65535).contains(port)
        else { throw Self.invalid(text, "its port is not a number from 1 to 65535") }
        self.port = port
    }

    /// The value of the `Host` header.
    var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// The request target of a channel's end (protocol 1.1): below the path, the query kept.
    func target(of reference: ChannelReference) -> String {
        let path = target.prefix { $0 != "?" }
        let query = target.dropFirst(path.count).dropFirst()
        let base = path.hasSuffix("/") ? path.dropLast() : path
        return "\(base)/ws/channels/\(reference.channelID)?\(query)\(query.isEmpty ? "" : "&")"
            + "key=\(reference.accessKey)&dir=\(reference.direction.rawValue)"
    }

    private static func invalid(_ text: String, _ reason: String) -> SDKError {
        SDKError(
            code: .invalidAddress,
            message: "cannot use the engine address \"\(text)\": \(reason)"
        )
    }
}

extension EngineAddress: CustomStringConvertible {
    /// Without the query, which may hold a token.
    var description: String {
        let path = target.prefix { $0 != "?" }
        return "ws://\(authority)\(path == "/" ? "" : path)"
    }
}
