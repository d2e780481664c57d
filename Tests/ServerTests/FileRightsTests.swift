import Disk
import Glibc
import Testing

@testable import Server

@Suite("Who beside its owner may do what with a file")
struct FileRightsTests {
    /// Of root, whose group is 0 wherever there is one.
    private func rights(_ mode: mode_t, owner: uid_t = 0, group: gid_t = 0) -> FileRights {
        FileRights(mode: mode, owner: owner, group: group)
    }

    @Test("a group that is the owner's alone is no other; everybody is")
    func groups() {
        for mode in [0o600, 0o640, 0o660] as [mode_t] {
            #expect(!rights(mode).othersRead && !rights(mode).othersWrite, "\(mode)")
        }
        #expect(rights(0o640, group: 4242).othersRead)
        #expect(!rights(0o640, group: 4242).othersWrite)
        #expect(rights(0o660, group: 4242).othersWrite)
        #expect(!rights(0o660, group: 4242).everybodyWrites)
        #expect(rights(0o644).othersRead && !rights(0o644).othersWrite)
        #expect(rights(0o602).othersWrite && rights(0o602).everybodyWrites)
    }

    @Test("who has no entry among the users has the group of the same number")
    func unknownUsers() {
        let nobody: uid_t = 3_999_999
        #expect(!rights(0o660, owner: nobody, group: nobody).othersWrite)
        #expect(rights(0o660, owner: nobody, group: nobody - 1).othersWrite)
    }

    @Test("what is no file has none")
    func noFile() {
        for path in ["/dev/null", "/tmp", "/no/such/file"] {
            #expect(FileRights(of: path) == nil, "\(path)")
        }
    }

    // MARK: Of the configuration

    @Test("a configuration that everybody may write is refused")
    func writableConfiguration() throws {
        let workspace = try Workspace(["iii.toml": "[http]\ntimeout = \"1s\"\n"])
        let path = "\(workspace.path)/iii.toml"
        for mode in [0o602, 0o666, 0o777] as [mode_t] {
            try #require(chmod(path, mode) == 0)
            let errors = #expect(throws: ConfigurationErrors.self) { try workspace.load() }
            #expect(errors?.errors.map(\.code) == [.writable])
            #expect(errors?.description.hasSuffix("chmod o-w \(path)") == true, "\(mode)")
        }
        try #require(chmod(path, 0o644) == 0)
        #expect(try workspace.load().warnings.isEmpty)
    }

    @Test("one that a group may write is warned of, but not of that of its owner alone")
    func groupConfiguration() throws {
        let workspace = try Workspace(["iii.toml": ""])
        let path = "\(workspace.path)/iii.toml"
        try #require(chmod(path, 0o664) == 0)
        guard geteuid() == 0 else { return }
        try #require(chown(path, 0, 0) == 0)
        #expect(try workspace.load().warnings.isEmpty)
        try #require(chown(path, 0, 4242) == 0)
        let warnings = try workspace.load().warnings.map(\.description)
        #expect(warnings.count == 1)
        #expect(warnings.first?.hasPrefix("iii.toml: its group may write it") == true)
        #expect(warnings.first?.hasSuffix("chmod g-w \(path)") == true)
    }

    // MARK: Of the data directory

    @Test("a data directory that others could write is a wrong configuration")
    func data() {
        for problem in [
            StorageError.notPrivate(path: "/data", owner: 4242),
            .writableByAll(path: "/data/log", directory: "/data"),
        ] {
            let error = ServeError(problem)
            #expect(error.kind == .configuration)
            #expect(error.code == "data.not_private")
        }
    }
}

@Suite("What an operator is warned of")
struct ExposureTests {
    @Test("a token that can be guessed, wherever it stands, and never by its text")
    func shortTokens() throws {
        let workspace = try Workspace(["iii.toml": "[security]\ntoken = \"s3cret\"\n"])
        let warnings = try workspace.load().warnings.map(\.description)
        #expect(warnings.count == 1)
        let text = "iii.toml:2: security.token is shorter than 16 characters"
        #expect(warnings.first?.hasPrefix(text) == true, "\(warnings)")
        #expect(warnings.first?.contains("s3cret") == false)
        let long = try Workspace().load(set: ["security.token=0123456789abcdef"])
        #expect(long.warnings.isEmpty)
    }

    private func weaknesses(_ path: String) throws(ServeError) -> [String] {
        let token = try Token.read(path)
        return Token.weaknesses(of: token, in: path)
    }

    @Test("a token file that others may read, and a short token in it")
    func tokenFiles() throws {
        let workspace = try Workspace(["token": "0123456789abcdef\n", "short": "s3cret"])
        let path = "\(workspace.path)/token"
        #expect(try weaknesses(path) == [])
        try #require(chmod(path, 0o644) == 0)
        let open = "the token file \(path) is open to others: chmod 600 \(path)"
        #expect(try weaknesses(path) == [open])
        let short = "\(workspace.path)/short"
        let weak = try weaknesses(short)
        #expect(weak.count == 1)
        #expect(weak.first?.hasPrefix("the token of \(short) is shorter than 16") == true)
        #expect(weak.first?.contains("s3cret") == false)
    }

    @Test("addresses beyond this machine without TLS, each by its setting")
    func addresses() throws {
        #expect(try configuration(toml: "").plaintextWarning == nil)
        let all = """
            [engine]
            address = "0.0.0.0:1"
            [http]
            address = "10.0.0.1:2"
            [stream]
            address = "[::]:3"
            [observability]
            dashboard_address = "example.com:4"
            [[worker_listener]]
            address = "0.0.0.0:5"
            [[worker_listener]]
            address = "127.0.0.1:6"
            """
        let text = try #require(try configuration(toml: all).plaintextWarning)
        let names =
            "engine.address 0.0.0.0:1, worker_listener[0].address 0.0.0.0:5, "
            + "http.address 10.0.0.1:2, stream.address [::]:3, "
            + "observability.dashboard_address example.com:4: "
        #expect(text.hasPrefix("no TLS beyond this machine: \(names)"), "\(text)")
        #expect(text.contains("[http] tls_certificate"))

        let tls = """
            [http]
            address = "0.0.0.0:2"
            tls_certificate = "cert.pem"
            tls_key = "key.pem"
            """
        #expect(try configuration(toml: tls).plaintextWarning == nil)
        let streams = try configuration(toml: tls + "\n[stream]\naddress = \"0.0.0.0:3\"")
        let plain = try #require(streams.plaintextWarning)
        #expect(plain.contains(": stream.address 0.0.0.0:3: "))
        #expect(!plain.contains("tls_certificate"))
    }
}
