import Glibc
import NIOCore
import NIOPosix
import NetServer

// What an engine would find of the files and addresses that its configuration names.

extension Doctor {
    /// Those of the files that `configuration` names beside the data directory which would end a
    /// start.
    package static func faultyFiles(of configuration: Configuration) -> [Finding] {
        Doctor(configuration: configuration).namedFiles().filter {
            if case .fault = $0.outcome { true } else { false }
        }
    }

    /// Files that settings name beside the data directory.
    func namedFiles() -> [Finding] {
        let http = configuration.http
        let authorities = configuration.httpFunctions.caFile
        let files = [
            ("http.tls_certificate", http.tlsCertificate, "http.tls_certificate"),
            ("http.tls_key", http.tlsKey, "http.tls_certificate"),
            ("http_functions.ca_file", authorities, "http_functions.ca_file"),
        ]
        var findings = tokenFile()
        for case (let setting, let path?, let code) in files {
            if access(path, R_OK) == 0 {
                findings.append(Finding(setting, .ok, "\(path) can be read"))
            } else {
                let text = "\(path): \(Self.reason); correct the setting, or mend the file"
                findings.append(Finding(setting, .fault(.configuration, code: code), text))
            }
        }
        return findings
    }

    private func tokenFile() -> [Finding] {
        let setting = "security.token_file"
        guard let path = configuration.security.tokenFile else { return [] }
        do throws(ServeError) {
            let weaknesses = Token.weaknesses(of: try Token.read(path), in: path)
            guard !weaknesses.isEmpty else { return [Finding(setting, .ok, "\(path) has a token")] }
            return weaknesses.map { Finding(setting, .warning, $0) }
        } catch {
            return [Finding(setting, error)]
        }
    }

    /// What is sent beyond this machine as it is.
    func encryption() -> Finding {
        let subject = "encryption"
        guard let warning = configuration.plaintextWarning else {
            return Finding(subject, .ok, "no address beyond this machine is without TLS")
        }
        return Finding(subject, .warning, warning)
    }

    /// Listens on every address at once, so that two settings are found whose hosts are only in the
    /// end the same; whoever connects meanwhile is sent away.
    func ports() async -> [Finding] {
        var findings: [Finding] = []
        var listeners: [Listener] = []
        for (setting, address) in configuration.addresses {
            guard address.port != 0 else {
                findings.append(Finding(setting, .ok, "any free port of \(address.host)"))
                continue
            }
            do throws(ListenerError) {
                let listener = try await Listener.webSocket(
                    on: address,
                    group: MultiThreadedEventLoopGroup.singleton
                ) { _ in .refuse(status: 503, body: "no engine runs here\n") }
                listeners.append(listener)
                findings.append(Finding(setting, .ok, "\(address) is free"))
            } catch {
                findings.append(Finding(setting, ServeError(error, setting: setting)))
            }
        }
        for listener in listeners { await listener.close(grace: .zero) }
        return findings
    }
}
