import NetServer

extension Configuration {
    /// What an engine listens on, and the setting that says so.
    var addresses: [(setting: String, address: ListenAddress)] {
        var all: [(setting: String, address: ListenAddress)] = []
        for (number, listener) in allWorkerListeners.enumerated() {
            let section = number == 0 ? "engine" : "worker_listener[\(number - 1)]"
            all.append(("\(section).address", listener.address))
        }
        all.append(("http.address", http.address))
        all.append(("stream.address", stream.address))
        if observability.dashboard {
            all.append(("observability.dashboard_address", observability.dashboardAddress))
        }
        return all
    }

    /// Finds every two addresses that cannot both be listened on; `origins` has where they were
    /// set.
    func checkAddresses(_ origins: [String: Place], _ findings: inout Findings) {
        func place(of setting: String) -> Place? {
            origins[setting] ?? Self.rivals[setting].flatMap { origins[$0] }
        }
        let all = addresses
        for (index, other) in all.enumerated() {
            for one in all[..<index] where one.address.excludes(other.address) {
                // No two defaults exclude each other: one of them has been set.
                guard let place = place(of: other.setting) ?? place(of: one.setting) else {
                    continue
                }
                findings.error(
                    .conflict,
                    at: place,
                    "\(one.setting) \(one.address) and \(other.setting) \(other.address) cannot"
                        + " both be listened on; give one of them another port"
                )
            }
        }
    }

    /// Which addresses others reach without TLS, and the way out, for an operator; nil: none.
    var plaintextWarning: String? {
        let plain = addresses.filter { setting, address in
            !address.isLoopback && (setting != "http.address" || http.tlsCertificate == nil)
        }
        guard !plain.isEmpty else { return nil }
        let names = plain.map { "\($0.setting) \($0.address)" }.joined(separator: ", ")
        let own = plain.contains { $0.setting == "http.address" }
        let certificate = own ? ", or give http.address a certificate ([http] tls_certificate)" : ""
        return "no TLS beyond this machine: \(names): what is sent there, tokens too, can be read "
            + "on the way; put a proxy with TLS in front, or listen on loopback\(certificate)"
    }
}
