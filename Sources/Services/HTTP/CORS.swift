import Primitives

/// What web pages of other origins may see of responses (services 1, A.14; Fetch, *CORS protocol*).
package struct CORS: Equatable, Sendable {
    /// Nil: everything is allowed, and said to be.
    package var rules: Rules?

    package struct Rules: Equatable, Sendable {
        /// Compared byte for byte; empty, or with `*` among them: all.
        package var origins: [String]
        /// Empty: all.
        package var methods: [String]

        package init(origins: [String] = [], methods: [String] = []) {
            self.origins = origins
            self.methods = methods
        }
    }

    /// What about a request the headers of its response depend on.
    package struct Asker: Equatable, Sendable {
        package var origin: String?
        /// Any `OPTIONS` request.
        package var isPreflight: Bool

        package init(origin: String?, isPreflight: Bool) {
            self.origin = origin
            self.isPreflight = isPreflight
        }
    }

    package init(_ rules: Rules? = nil) { self.rules = rules }

    /// The headers that the response to `asker` gets; they replace those of `headers` that have
    /// the same name, and are behind what that says the response varies by. Where there are rules,
    /// they are all that is said of the kind.
    package func headers(
        for asker: Asker,
        over headers: inout [(name: String, value: String)]
    ) -> [(name: String, value: String)] {
        let own = own(for: asker)
        // Nearly every response: nothing of its own begins like one of these.
        guard headers.contains(where: { Self.mayClash($0.name) }) else { return own }
        var varies = ""
        headers.removeAll { header in
            let name = header.name.lowercased()
            if name == "vary" {
                // Behind it nobody looks any more whether it is a header.
                if header.value.isFieldValue { varies += "\(header.value), " }
                return true
            }
            if rules != nil, name.hasPrefix("access-control-") { return true }
            return own.contains { $0.name == name }
        }
        return own.map { $0.name == "vary" ? ($0.name, varies + $0.value) : $0 }
    }

    private func own(for asker: Asker) -> [(name: String, value: String)] {
        guard let rules else { return asker.isPreflight ? Self.openPreflight : Self.open }
        var own: [(name: String, value: String)] = []
        if rules.origins.isEmpty || rules.origins.contains("*") {
            own.append(("access-control-allow-origin", "*"))
        } else if let origin = asker.origin,
            rules.origins.contains(where: { sameBytes($0, origin) })
        {
            own.append(("access-control-allow-origin", origin))
        }
        if asker.isPreflight {
            let methods = rules.methods.isEmpty ? "*" : rules.methods.joined(separator: ",")
            own.append(("access-control-allow-methods", methods))
            own.append(("access-control-allow-headers", "*"))
        }
        own.append(Self.vary)
        return own
    }

    private static let vary: (name: String, value: String) = (
        "vary", "origin, access-control-request-method, access-control-request-headers"
    )

    private static let open: [(name: String, value: String)] = [
        ("access-control-allow-origin", "*"), ("access-control-expose-headers", "*"), vary,
    ]

    private static let openPreflight: [(name: String, value: String)] = [
        ("access-control-allow-origin", "*"), ("access-control-allow-methods", "*"),
        ("access-control-allow-headers", "*"), vary,
    ]

    private static func mayClash(_ name: String) -> Bool {
        guard let first = name.utf8.first else { return false }
        return first | 0x20 == UInt8(ascii: "a") || first | 0x20 == UInt8(ascii: "v")
    }
}
