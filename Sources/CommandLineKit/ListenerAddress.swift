/// Where a program reaches a listener of an engine, which may be on another machine.
package enum ListenerAddress {
    /// `told` is where the engine listens on its own machine: what stands for all of its addresses
    /// there, or for that machine, is here whatever leads to the engine. A token of `engine` goes
    /// along.
    ///
    /// - Parameters:
    ///   - told: as `HOST:PORT`.
    ///   - engine: the address that the program reaches the engine at, as `ws://HOST:PORT`.
    /// - Returns: an address of the form of `engine`.
    package static func address(_ told: String, seenFrom engine: String) -> String {
        let rest = engine.dropFirst("ws://".count)
        let authority = rest.prefix { !"/?#".contains($0) }
        let (host, port) = split(Substring(told))
        let isGeneral = ["0.0.0.0", "[::]", "127.0.0.1", "[::1]", "localhost"].contains(host)
        let reachable = isGeneral ? split(authority).host : host
        return "ws://\(reachable):\(port)\(rest.dropFirst(authority.count))"
    }

    /// `HOST:PORT`; the port is empty where there is none.
    private static func split(_ authority: Substring) -> (host: Substring, port: Substring) {
        guard let colon = authority.lastIndex(of: ":"), authority.last != "]" else {
            return (authority, "")
        }
        return (authority[..<colon], authority[colon...].dropFirst())
    }
}
