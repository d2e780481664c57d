import Foundation
import Testing

extension Programs {
    /// `iii init`, `iii completions` and `iii explain-code`: what one needs before an engine runs.
    @Suite("Setting up from the command line")
    struct SetupCommandTests {
        let scratch: Scratch

        init() throws { scratch = try Scratch() }
    }
}

extension Programs.SetupCommandTests {
    private func iii(_ arguments: String...) throws -> Outcome {
        try run([Project.engine] + arguments, in: scratch)
    }
}

// MARK: - iii init

extension Programs.SetupCommandTests {
    private static let written = ["iii.toml", "worker.py", "requirements.txt", ".gitignore"]

    @Test("iii init writes files that iii check accepts, and says what is next")
    func starts() throws {
        let outcome = try iii("init", scratch("new/shop"))
        #expect(outcome.ending == .exit(0), "\(outcome.all)")
        #expect(files(below: scratch("new/shop")) == Self.written.sorted())
        let lines = outcome.output.split(separator: "\n").map { JSON.object(String($0)) }
        let wrote = lines.compactMap { $0["wrote"] as? String }
        #expect(wrote == Self.written.map { scratch("new/shop/\($0)") }, "\(outcome.all)")
        let next = lines.compactMap { $0["next"] as? String }
        let enter = "cd \(scratch("new/shop")) && python3 -m venv .venv"
        #expect(next.first?.hasPrefix(enter) == true, "\(outcome.all)")
        #expect(next.dropFirst().first == "iii dev", "\(outcome.all)")

        let checked = try iii("check", scratch("new/shop/iii.toml"))
        #expect(checked.ending == .exit(0), "\(checked.all)")
        #expect(checked.errors.isEmpty, "a starting point warns of nothing: \(checked.all)")
        // The version that the samples, and their tests, are made for.
        let sample = text(of: "\(Project.hello)/requirements.txt")
        #expect(text(of: scratch("new/shop/requirements.txt")) == sample)
    }

    @Test("iii init overwrites nothing: it names what is there, and exits with 1")
    func overwrites() throws {
        try FileManager.default.createDirectory(
            atPath: scratch("shop"),
            withIntermediateDirectories: false
        )
        _ = try scratch.write("shop/worker.py", "# mine\n")
        try FileManager.default.createSymbolicLink(
            atPath: scratch("shop/.gitignore"),
            withDestinationPath: "nowhere"
        )
        let outcome = try iii("init", "shop")
        #expect(outcome.ending == .exit(1), "\(outcome.all)")
        for name in ["shop/worker.py", "shop/.gitignore"] {
            #expect(outcome.errors.contains("error[init.exists]: \(name) "), "\(outcome.all)")
        }
        #expect(files(below: scratch("shop")) == [".gitignore", "worker.py"])
        #expect(text(of: scratch("shop/worker.py")) == "# mine\n")
    }

    @Test("iii init says where it cannot write; exit 74, and 2 without a directory")
    func unwritable() throws {
        _ = try scratch.write("file", "")
        let outcome = try iii("init", "file/shop")
        #expect(outcome.ending == .exit(74), "\(outcome.all)")
        #expect(outcome.errors.contains("error[init.not_written]: "), "\(outcome.all)")
        #expect(outcome.errors.contains("file/shop"), "\(outcome.all)")
        #expect(try iii("init").ending == .exit(2))
    }

    @Test("The worker of iii init keeps a note, and hears of it, with the public SDK")
    func worker() throws {
        #expect(try iii("init", scratch("shop")).ending == .exit(0))
        let python = URL(fileURLWithPath: try Project.python(with: "0.25.0", in: scratch))
        try FileManager.default.createSymbolicLink(
            atPath: scratch("shop/.venv"),
            withDestinationPath: python.deletingLastPathComponent().deletingLastPathComponent().path
        )
        let engine = EngineProcess(in: scratch, ["--config", scratch("shop/iii.toml")])
        try engine.start()
        try eventually("the note is taken") { () -> Void? in
            let peer = try HTTPPeer(port: engine.httpPort)
            let body = #"{"id": 1, "text": "hello"}"#
            return try peer.ask("POST", "/notes", body: body).status == 201 ? () : nil
        }
        let wrong = try HTTPPeer(port: engine.httpPort).ask("POST", "/notes", body: "[]")
        #expect(wrong.status == 400, "\(wrong.text)")
        let note = try iii("state", "get", "notes", "1", "--engine", engine.url)
        #expect(JSON.object(note.output)["text"] as? String == "hello", "\(note.all)")
        try eventually("the change is logged") { () -> Void? in
            let logs = try iii("logs", "--engine", engine.url)
            if logs.output.contains("A note has changed") { return () }
            // Written again, in case the trigger came after the first note.
            _ = try HTTPPeer(port: engine.httpPort).ask("POST", "/notes", body: #"{"id": 2}"#)
            return nil
        }
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
    }
}

// MARK: - iii completions

extension Programs.SetupCommandTests {
    @Test(
        "iii completions prints a script that knows the commands",
        arguments: [
            ("bash", "complete -o filenames"), ("zsh", "#compdef iii"),
            ("fish", "complete -c 'iii'"),
        ]
    )
    func completions(shell: String, mark: String) throws {
        let outcome = try iii("completions", shell)
        #expect(outcome.ending == .exit(0), "\(outcome.all)")
        for command in ["serve", "doctor", "explain-code", "completions", "redrive"] {
            #expect(outcome.output.contains(command), "\(command) is missing for \(shell)")
        }
        #expect(outcome.output.contains(mark), "not for \(shell)")
        #expect(outcome.errors.isEmpty, "\(outcome.all)")
    }

    @Test("The script for bash completes a command")
    func completes() throws {
        let script = try scratch.write("iii.bash", try iii("completions", "bash").output)
        let line = """
            source \(script)
            COMP_WORDS=(iii compl) COMP_CWORD=1 COMP_LINE='iii compl' COMP_POINT=9
            _iii iii compl iii
            echo "${COMPREPLY[@]}"
            """
        let outcome = try run(["/bin/bash", "-c", line], in: scratch)
        #expect(outcome.output == "completions\n", "\(outcome.all)")
    }

    @Test("Another shell, or none, is wrong usage, and the error names those there are")
    func otherShells() throws {
        let other = try iii("completions", "tcsh")
        #expect(other.ending == .exit(2), "\(other.all)")
        #expect(other.errors.hasPrefix("error[usage]: "), "\(other.all)")
        for part in ["tcsh", "bash", "zsh", "fish"] {
            #expect(other.errors.contains(part), "\(part) is missing: \(other.all)")
        }
        #expect(try iii("completions").ending == .exit(2))
    }
}

// MARK: - iii explain-code

extension Programs.SetupCommandTests {
    @Test(
        "iii explain-code says what a code means and what to do",
        arguments: [
            ("config.unknown_key", "iii check"), ("data.in_use", "--data"), ("78", "setting"),
            ("function_not_found", "iii functions"), ("increment.not_number", "number"),
            ("log.damaged", "iii-log verify"), ("usage", "iii help"),
        ]
    )
    func explains(code: String, word: String) throws {
        let outcome = try iii("explain-code", code)
        #expect(outcome.ending == .exit(0), "\(outcome.all)")
        let found = JSON.object(outcome.output)
        #expect(code.hasSuffix(found["code"] as? String ?? "?"), "\(outcome.all)")
        let words = "\(found["meaning"] ?? "") \(found["remedy"] ?? "")"
        #expect(words.contains(word), "\(outcome.all)")
    }

    @Test("The codes that errors stand with on standard error are explained")
    func errors() throws {
        _ = try scratch.write("iii.toml", "[http]\ntimout = \"1s\"\n")
        let failed = [
            try iii("check"), try iii("--no-such-flag"), try iii("explain-code", "nothing"),
            try iii("trigger", "a::b", "c", "--engine", "ws://127.0.0.1:1"),
            try iii("workers", "--engine", "ws://127.0.0.1:1"),
            try iii("workers", "--engine", "nonsense"), try iii("completions", "tcsh"),
        ]
        for outcome in failed {
            let code = outcome.errors.firstMatch(of: /^error\[([\w.]+)\]:/).map { String($0.1) }
            let known = try #require(code, "\(outcome.all)")
            let explained = try iii("explain-code", known)
            #expect(explained.ending == .exit(0), "\(explained.all)")
        }
    }

    @Test("An unknown code exits with 4, and the nearest ones are named")
    func unknown() throws {
        let outcome = try iii("explain-code", "config.unknwon_key")
        #expect(outcome.ending == .exit(4), "\(outcome.all)")
        #expect(outcome.errors.contains("config.unknown_key"), "\(outcome.all)")
        #expect(outcome.errors.contains("\"config.unknwon_key\""), "\(outcome.all)")
        #expect(try iii("explain-code").ending == .exit(2))
    }

    @Test("Nothing is suggested for a code that none is like; those of other engines are known")
    func foreign() throws {
        let outcome = try iii("explain-code", "nope")
        #expect(outcome.ending == .exit(4), "\(outcome.all)")
        #expect(!outcome.errors.contains("nearest"), "\(outcome.all)")
        #expect(try iii("explain-code", "INTERNAL_ERROR").ending == .exit(0))
        let part = try iii("explain-code", "unknown_key")
        #expect(part.errors.contains("config.unknown_key"), "\(part.all)")
    }

    @Test("On a terminal an explanation is two lines")
    func sentences() throws {
        let line = "\(Project.engine) explain-code config.unknown_key"
        let shown = try run(["/usr/bin/script", "-qec", line, "/dev/null"], in: scratch)
        #expect(shown.ending == .exit(0), "\(shown.all)")
        #expect(shown.output.contains("There is no such setting."), "\(shown.all)")
        #expect(shown.output.contains("What to do: "), "\(shown.all)")
    }
}

// MARK: - All commands

extension Programs.SetupCommandTests {
    @Test("Output that cannot be written ends with 74; one that nobody reads is no fault")
    func unwritten() throws {
        let commands = [
            "--help", "--version", "completions bash", "check", "explain-code usage", "init shop",
        ]
        for command in commands {
            let script = "exec \"$0\" \(command) > /dev/full"
            let told = try run(["/bin/sh", "-c", script, Project.engine], in: scratch)
            #expect(told.ending == .exit(74), "\(command): \(told.all)")
            #expect(told.errors.contains("error[output.not_written]"), "\(command): \(told.all)")
        }
        let failed = "exec \"$0\" explain-code nope > /dev/full"
        let own = try run(["/bin/sh", "-c", failed, Project.engine], in: scratch)
        #expect(own.ending == .exit(4), "\(own.all)")
        let script = "\"$0\" completions bash | head -c 1"
        let read = try run(["/bin/sh", "-c", script, Project.engine], in: scratch)
        #expect(read.ending == .exit(0) && read.errors.isEmpty, "\(read.all)")
    }

    @Test("iii check finds files of tokens and certificates that a start cannot use; exit 78")
    func namedFiles() throws {
        let token = try scratch.write("token", "\n")
        for (setting, code) in [
            ("security.token_file=\(scratch("none"))", "security.token"),
            ("security.token_file=\(token)", "security.token"),
            ("http_functions.ca_file=\(scratch("none"))", "http_functions.ca_file"),
        ] {
            let outcome = try iii("check", "--set", setting)
            #expect(outcome.ending == .exit(78), "\(outcome.all)")
            #expect(outcome.errors.hasPrefix("error[\(code)]: "), "\(outcome.all)")
            #expect(outcome.output.contains("engine.address"), "\(outcome.all)")
        }
        let pair = ["http.tls_certificate", "http.tls_key"].map { "\($0)=\(scratch("none.pem"))" }
        let secure = try iii("check", "--set", pair[0], "--set", pair[1])
        #expect(secure.ending == .exit(78), "\(secure.all)")
        #expect(secure.errors.contains("http.tls_key: "), "\(secure.all)")
        _ = try scratch.write("token", "secret\n")
        #expect(try iii("check", "--set", "security.token_file=\(token)").ending == .exit(0))
    }
}
