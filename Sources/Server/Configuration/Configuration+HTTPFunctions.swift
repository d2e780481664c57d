package import HTTPFunctions
package import Primitives

extension Configuration {
    /// Functions that are invoked by HTTP: where they may lead, and what they may carry there.
    package struct HTTPFunctions: Equatable, Sendable {
        /// Patterns for host names.
        package var urlAllowlist = OutboundPolicy().hosts
        package var requireHTTPS = true
        package var blockPrivateIPs = true
        /// Private ranges that are let through nevertheless.
        package var allowedRanges: [AddressRange] = []
        /// Ports that may be connected to; nil: those of the schemes.
        package var ports: [PortRange]?
        /// Environment variables that functions may name, each perhaps with the hosts that may see
        /// it.
        package var secrets = OutboundPolicy().secrets
        /// The largest response, in bytes; at most what fits a record.
        package var maxResponseBytes = 10 << 20
        /// Certificates to trust in place of the system's; absolute once loaded.
        package var caFile: String?

        package init() {}

        /// The same as the policy of an engine with that environment on a machine with those
        /// addresses; `others` are the secrets of listeners that have their own.
        package func policy(
            _ environment: [String: String],
            ownAddresses: Set<IPAddress>,
            others: [SecretRule] = []
        ) -> OutboundPolicy {
            var policy = OutboundPolicy()
            policy.hosts = urlAllowlist
            policy.requiresHTTPS = requireHTTPS
            policy.blocksPrivate = blockPrivateIPs
            policy.allowedRanges = allowedRanges
            policy.ports = ports
            policy.ownAddresses = ownAddresses
            policy.secrets = secrets
            policy.knownSecrets = Set(
                environment.keys.filter { name in
                    (secrets + others).contains { $0.name.matches(name) }
                }
            )
            return policy
        }
    }
}

extension Configuration.HTTPFunctions {
    static let fields: [Field<Self>] = [
        Field("url_allowlist", \.urlAllowlist, .globs),
        Field("require_https", \.requireHTTPS, .flag),
        Field("block_private_ips", \.blockPrivateIPs, .flag),
        Field("allowed_ranges", \.allowedRanges, .ranges),
        Field(optional: "ports", \.ports, .ports),
        Field("secrets", \.secrets, .secretRules),
        Field("max_response_bytes", \.maxResponseBytes, .size(1...Limits.recordBytes)),
        Field(optional: "ca_file", \.caFile, .path),
    ]
}

extension Kind where Value == [Glob] {
    fileprivate static let globs = Kind.list(
        "a list of patterns for host names, such as [\"api.example.com\", \"*.example.org\"]",
        show: { $0.text },
        parse: { Glob($0.lowercased()) }
    )
}

extension Kind where Value == [AddressRange] {
    fileprivate static let ranges = Kind.list(
        "a list of address ranges, such as [\"10.1.0.0/16\", \"fd00::/8\"]",
        show: { $0.description },
        parse: { AddressRange($0) }
    )
}

extension Kind where Value == [SecretRule] {
    static let secretRules = Kind.list(
        "a list of environment variables, each NAME or NAME@HOST, such as"
            + " [\"III_SECRET_*\", \"STRIPE_KEY@api.stripe.com\"]",
        show: { $0.description },
        parse: { SecretRule($0) }
    )
}

extension Kind where Value == [PortRange] {
    fileprivate static let ports = Kind.list(
        "a list of ports, such as [443, \"8000-8999\"]",
        show: { $0.ports.count == 1 ? "\($0)" : "\"\($0)\"" },
        quoted: false,
        parse: { PortRange($0) }
    )
}
