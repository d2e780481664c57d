extension Configuration {
    /// What an engine listens on, and the setting that says so.
    var addresses: [(setting: String, address: Address)] {
        var all: [(setting: String, address: Address)] = []
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
