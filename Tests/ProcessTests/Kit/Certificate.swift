/// A certificate of `localhost` and its key, made for one test.
struct Certificate {
    let certificate: String
    let key: String

    /// Makes one in the files `NAME.pem` and `NAME.key`.
    init(_ name: String, in scratch: Scratch) throws {
        certificate = scratch("\(name).pem")
        key = scratch("\(name).key")
        let made = try run(
            [
                "/usr/bin/env", "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes", "-days", "2", "-subj", "/CN=\(name)", "-addext",
                "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate,
            ],
            in: scratch
        )
        guard made.ending == .exit(0) else { throw Failure("openssl: \(made.all)") }
    }
}
