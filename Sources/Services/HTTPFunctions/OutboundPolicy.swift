package import Primitives

/// Where functions that are invoked by HTTP may lead, and which secrets they may carry there.
///
/// Asked when a function is registered and again at every call: about the URL before its name is
/// resolved, and about every address that the name resolves to (reliability 7.3).
package struct OutboundPolicy: Equatable, Sendable {
    /// Patterns for host names; none allows nothing.
    package var hosts: [Glob] = Glob("*").map { [$0] } ?? []
    /// Ports; nil: those of the schemes, 443 and 80.
    package var ports: [PortRange]?
    package var requiresHTTPS = true
    package var blocksPrivate = true
    /// Private addresses that are allowed nevertheless.
    package var allowedRanges: [AddressRange] = []
    /// The addresses of this machine, public ones too: private, as far as others are concerned.
    package var ownAddresses: Set<IPAddress> = []
    /// Which of the engine's environment variables a function may name.
    package var secrets: [SecretRule] = SecretRule("III_SECRET_*").map { [$0] } ?? []
    /// Those of them that are set. Their values are known to the edge alone.
    package var knownSecrets: Set<String> = []

    package init() {}

    /// What is wrong with the URL itself; addresses behind its name are not known yet.
    package func check(_ url: WebAddress) throws(ErrorBody) {
        if requiresHTTPS, !url.isSecure {
            throw Self.refusal("HTTPS is required; http_functions.require_https = false lifts it")
        }
        guard hosts.contains(where: { $0.matches(url.host) }) else {
            throw Self.refusal(
                "URL not in allowlist: no pattern of http_functions.url_allowlist matches "
                    + url.host
            )
        }
        guard ports?.contains(where: { $0.ports.contains(url.port) }) ?? url.hasOwnPort else {
            throw Self.refusal("port \(url.port) is not among http_functions.ports")
        }
        if let literal = url.literal { try check([literal], of: url.host) }
    }

    /// Every address must pass: which one is connected to is not for the resolver to say.
    package func check(_ addresses: [IPAddress], of host: String) throws(ErrorBody) {
        guard !addresses.isEmpty else { throw Self.unresolved(host) }
        guard blocksPrivate, addresses.contains(where: isBlocked) else { return }
        throw Self.refusal(
            "Private IP blocked: \(host) is, or resolves to, an address that is not public; "
                + "http_functions.allowed_ranges lets ranges through"
        )
    }

    private func isBlocked(_ address: IPAddress) -> Bool {
        let plain = address.unmapped
        if allowedRanges.contains(where: { $0.contains(plain) || $0.contains(address) }) {
            return false
        }
        return plain.isSpecial || ownAddresses.contains(plain)
    }

    /// Whether a function at `host` may carry the variable, which must be set.
    package func check(
        secret name: String,
        for host: String,
        missing code: String
    ) throws(ErrorBody) {
        let rules = secrets.filter { $0.name.matches(name) }
        guard !rules.isEmpty else {
            throw ErrorBody(
                code: code,
                message: "environment variable \(name) is not among the secrets of the worker's "
                    + "listener: http_functions.secrets, or the listener's http_function_secrets"
            )
        }
        guard rules.contains(where: { $0.host.matches(host) }) else {
            throw ErrorBody(
                code: code,
                message: "the secrets of the worker's listener let no function at \(host) carry "
                    + name
            )
        }
        guard knownSecrets.contains(name) else {
            throw ErrorBody(code: code, message: "environment variable \(name) is not set")
        }
    }

    package static func unresolved(_ host: String) -> ErrorBody {
        refusal("DNS lookup failed: \(host) has no address")
    }

    private static func refusal(_ message: String) -> ErrorBody {
        ErrorBody(code: "url_validation_failed", message: message)
    }
}

/// Variables that functions may carry, and the hosts that may see them: `NAME`, or `NAME@HOST`,
/// each of them a pattern.
package struct SecretRule: Hashable, Sendable {
    package let name: Glob
    package let host: Glob

    package init?(_ text: String) {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard !parts[0].isEmpty, let name = Glob(String(parts[0])),
            let host = Glob(parts.count == 2 ? parts[1].lowercased() : "*"), !host.text.isEmpty
        else { return nil }
        self.name = name
        self.host = host
    }

    package var description: String { host.text == "*" ? name.text : "\(name.text)@\(host.text)" }
}
