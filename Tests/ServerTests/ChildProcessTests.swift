import Glibc
import Testing

@testable import Server

@Suite("A process that the engine starts")
struct ChildProcessTests {
    private let surroundings = ChildProcess.Surroundings(mask: 0o027, descriptors: 77)
    private let workspace: Workspace

    init() throws { workspace = try Workspace() }

    private func start(
        _ command: [String],
        _ change: (inout Configuration.Exec) -> Void = { _ in },
        environment: [String: String] = ["PATH": "/usr/bin:/bin"]
    ) throws -> ChildProcess {
        var exec = Configuration.Exec()
        exec.name = "one"
        change(&exec)
        return try ChildProcess(
            command,
            in: workspace.path,
            ChildEnvironment(of: exec, environment, url: "ws://h:1"),
            surroundings
        )
    }

    /// How it ended, and all that it wrote on either stream.
    private func outcome(
        _ child: ChildProcess
    ) -> (end: ChildProcess.End?, output: String, errors: String) {
        var polled = pollfd(fd: child.ending, events: Int16(POLLIN), revents: 0)
        #expect(poll(&polled, 1, 60_000) == 1)
        let end = child.takeEnd()
        let texts = [child.output, child.errors].map { descriptor in
            var bytes = [UInt8](repeating: 0, count: 64 << 10)
            let count = read(descriptor, &bytes, bytes.count)
            close(descriptor)
            return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        }
        return (end, texts[0], texts[1])
    }

    @Test("gets its words as they are: no shell takes them apart")
    func words() throws {
        let words = ["; echo no", "$(echo no)", "`echo no`", "a\nb", "*", "'\"\\", ""]
        let (end, output, _) = outcome(try start(["printf", "[%s]"] + words))
        #expect(end == .exit(0))
        #expect(output == words.map { "[\($0)]" }.joined())
    }

    @Test("has its directory, its streams, and the limits and mask that the engine was given")
    func surroundingsOfIt() throws {
        let script = "pwd; umask; ulimit -Sn; cat; echo bad >&2; exit 9"
        let (end, output, errors) = outcome(try start(["sh", "-c", script]))
        #expect(end == .exit(9))
        #expect(output == "\(workspace.path)\n0027\n77\n")
        #expect(errors == "bad\n")
        // The last is the directory that it lists.
        #expect(outcome(try start(["ls", "/proc/self/fd"])).output == "0\n1\n2\n3\n")
    }

    @Test("has default signals, whatever the engine ignores")
    func signals() throws {
        let before = signal(SIGPIPE, SIG_IGN)
        defer { signal(SIGPIPE, before) }
        let (_, output, _) = outcome(try start(["grep", "SigIgn", "/proc/self/status"]))
        let ignored = try #require(output.split(whereSeparator: \.isWhitespace).last)
        // Of signals 32 and 33, which are the C library's own, nobody can say anything.
        let own: UInt64 = 3 << 31
        #expect(UInt64(ignored, radix: 16).map { $0 & ~own } == 0, "\(output)")
        let (end, _, _) = outcome(try start(["sh", "-c", "kill -SEGV $$"]))
        #expect(end == .signal(SIGSEGV))
        #expect(end?.description == "was ended by signal 11 (Segmentation fault)")
    }

    @Test("has of the environment what it needs and what is named, and not the engine's secrets")
    func environment() throws {
        let engine = [
            "PATH": "/usr/bin:/bin", "LC_ALL": "C", "III_TOKEN": "no", "III_SECURITY__TOKEN": "no",
            "AWS_KEY": "yes", "OTHER": "no", "III_URL": "no",
        ]
        let child = try start(
            ["env"],
            { exec in
                exec.inheritEnvironment = ["AWS_*"]
                exec.environment = ["MODE": "a=b", "III_WORKER_NAME": "mine"]
            },
            environment: engine
        )
        let (_, output, _) = outcome(child)
        #expect(
            output.split(separator: "\n").map(String.init) == [
                "AWS_KEY=yes", "III_ENGINE_PID=\(getpid())", "III_ENGINE_URL=ws://h:1",
                "III_URL=ws://h:1", "III_WORKER_NAME=mine", "LC_ALL=C", "MODE=a=b",
                "PATH=/usr/bin:/bin", "PYTHONUNBUFFERED=1",
            ]
        )
    }

    @Test("takes its group with it when it ends")
    func group() throws {
        let child = try start(["sh", "-c", "sleep 1000 & echo $!; exit 0"])
        let (end, output, _) = outcome(child)
        #expect(end == .exit(0))
        let other = try #require(Int32(output.dropLast()))
        // Whoever adopts it may take a moment to bury it.
        var status = [UInt8](repeating: 0, count: 512)
        var isGone = false
        for _ in 0..<6000 where !isGone {
            let file = open("/proc/\(other)/stat", O_RDONLY)
            let count = file < 0 ? 0 : read(file, &status, status.count)
            if file >= 0 { close(file) }
            let text = String(decoding: status.prefix(max(0, count)), as: UTF8.self)
            isGone = count <= 0 || text.contains(") Z ")
            if !isGone { usleep(10_000) }
        }
        #expect(isGone, "process \(other) goes on")
    }

    @Test("is looked for as a shell does, and named where it is not there")
    func programs() throws {
        try workspace.write("tool", "#!/bin/sh\necho ran $0 $1\n")
        #expect(throws: ChildProcess.StartError("\(workspace.path)/tool is not a program")) {
            try start(["./tool"])
        }
        chmod("\(workspace.path)/tool", 0o700)
        let (_, output, _) = outcome(try start(["./tool", "x"]))
        #expect(output == "ran \(workspace.path)/tool x\n")
        #expect(
            throws: ChildProcess.StartError(
                "there is no program \"tool\" in PATH, which is /usr/bin:/bin"
            )
        ) { try start(["tool"]) }
        #expect(
            throws: ChildProcess.StartError("\(workspace.path)/none: No such file or directory")
        ) { try start(["./none"]) }
        try workspace.write("data", "no script\0")
        chmod("\(workspace.path)/data", 0o700)
        #expect(
            throws: ChildProcess.StartError(
                "\(workspace.path)/data, in \(workspace.path): Exec format error"
            )
        ) { try start(["./data"]) }
    }
}
