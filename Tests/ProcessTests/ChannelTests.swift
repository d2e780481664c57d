import Foundation
import Testing

extension LongPrograms {
    /// Data channels (protocol 7), between sockets made by hand and between workers in Python.
    @Suite("Channels")
    struct ChannelTests {
        let engine: EngineProcess

        init() throws {
            engine = try EngineProcess.started()
        }
    }
}

/// The ends of a new channel.
struct ChannelEnds {
    let writer: Envelope
    let reader: Envelope

    /// Asks the engine for it.
    init(_ worker: RawWorker, size: Int? = nil) throws {
        let input: Envelope = size.map { ["buffer_size": $0] } ?? [:]
        let reply = try worker.ask("engine::channels::create", input)
        guard let ends = reply["result"] as? Envelope, let writer = ends["writer"] as? Envelope,
            let reader = ends["reader"] as? Envelope
        else { throw Failure("engine::channels::create answered \(JSON.text(reply))") }
        self.writer = writer
        self.reader = reader
    }

    static func path(_ reference: Envelope, direction: String? = nil) -> String {
        let value = { (name: String) in reference[name] as? String ?? "" }
        return "/ws/channels/\(value("channel_id"))?key=\(value("access_key"))"
            + "&dir=\(direction ?? value("direction"))"
    }
}

extension LongPrograms.ChannelTests {
    private func socket(_ reference: Envelope) throws -> WebSocket {
        try WebSocket(port: engine.workerPort, path: ChannelEnds.path(reference))
    }

    @Test("Texts and binaries arrive one by one, in order, and the end behind them")
    func order() throws {
        let worker = try RawWorker.ready(engine)
        let ends = try ChannelEnds(worker)
        let writer = try socket(ends.writer)
        try writer.send(binary: [1, 2, 3])
        try writer.send(text: "two")
        try writer.send(binary: [])
        // As an SDK builds it whose address has a query of its own.
        let path = ChannelEnds.path(ends.reader).replacingOccurrences(of: "?", with: "?token=a&")
        let reader = try WebSocket(port: engine.workerPort, path: path)
        try writer.send(text: "four")
        try writer.close(code: 1000)
        #expect(try reader.receive(within: 30) == .binary([1, 2, 3]))
        #expect(try reader.receive(within: 30) == .text("two"))
        #expect(try reader.receive(within: 30) == .binary([]))
        #expect(try reader.receive(within: 30) == .text("four"))
        #expect(try reader.receive(within: 30) == .close(code: 1000))
    }

    @Test("A channel outlives the worker that made it")
    func survives() throws {
        let ends: ChannelEnds
        do {
            let worker = try RawWorker.ready(engine)
            ends = try ChannelEnds(worker)
            worker.socket.disconnect()
        }
        let other = try RawWorker.ready(engine)
        _ = try other.ask("engine::workers::list", [:])
        let writer = try socket(ends.writer)
        try writer.send(text: "still")
        #expect(try socket(ends.reader).receive(within: 30) == .text("still"))
    }

    @Test("A second reader is closed at once; a bad key is 404, a bad direction 400")
    func refusals() throws {
        let worker = try RawWorker.ready(engine)
        let ends = try ChannelEnds(worker)
        let reader = try socket(ends.reader)
        let second = try socket(ends.reader)
        #expect(try second.receive(within: 30) == .close(code: 1008))
        var wrong = ends.reader
        wrong["access_key"] = UUID().uuidString.lowercased()
        #expect(throws: Failure("upgrade of \(ChannelEnds.path(wrong)) answered with 404")) {
            _ = try socket(wrong)
        }
        let both = ChannelEnds.path(ends.reader, direction: "both")
        #expect(throws: Failure("upgrade of \(both) answered with 400")) {
            _ = try WebSocket(port: engine.workerPort, path: both)
        }
        // As SDKs built it whose address had a query.
        let old = "/?token=a\(ChannelEnds.path(ends.writer))"
        #expect(throws: Failure("upgrade of \(old) answered with 404")) {
            _ = try WebSocket(port: engine.workerPort, path: old)
        }
        let writer = try socket(ends.writer)
        try writer.send(text: "undisturbed")
        #expect(try reader.receive(within: 30) == .text("undisturbed"))
    }

    @Test("A reader that does not read is felt by the writer, not by the engine's memory")
    func stalled() throws {
        let worker = try RawWorker.ready(engine)
        let ends = try ChannelEnds(worker, size: 1024)
        let reader = try socket(ends.reader)
        let writer = try socket(ends.writer)
        let before = try engine.residentBytes()
        let accepted = try writer.sendUntilStuck(
            [UInt8](repeating: 7, count: 64 << 10),
            limit: 256 << 20
        )
        // 4 MiB in the channel, one read and the socket's own buffers; the kernel's beside them.
        #expect(accepted < 64 << 20, "\(accepted) bytes went into a channel that nobody reads")
        let grown = try engine.residentBytes() - before
        #expect(grown < 24 << 20, "the engine grew by \(grown) bytes")
        withExtendedLifetime(reader) {}
    }

    @Test(
        "10 MiB with texts in between, and idle for many pings, between workers in Python",
        arguments: ["0.25.0", "0.16.1", "0.11.6"]
    )
    func python(sdk: String) throws {
        let python = try PythonWorker(
            sdk: sdk,
            ["\(Project.fixtures)/channels.py"],
            engine: engine
        )
        let caller = try RawWorker.ready(engine)
        try caller.waitFor("channel::heard", of: python)
        let ends = try ChannelEnds(caller)
        let reading = try caller.call("channel::read", ["reader": ends.reader])
        let writing = try caller.call(
            "channel::write",
            ["writer": ends.writer, "parts": 80, "bytes": 128 << 10, "idle": 3]
        )
        let written = try caller.reply(to: writing)["result"] as? Envelope ?? [:]
        let read = try caller.reply(to: reading)["result"] as? Envelope ?? [:]
        #expect(read["bytes"] as? Int == 10 << 20)
        #expect(read["texts"] as? Int == 20)
        #expect(read["largest"] as? Int == 64 << 10)
        #expect(read["sha256"] as? String == written["sha256"] as? String)
        #expect(written["sha256"] is String)
        try python.stop()
    }
}

extension RawWorker {
    /// Waits until a worker in Python serves the function, its last one.
    func waitFor(_ function: String, of python: PythonWorker) throws {
        try eventually("\(function) is served", within: 120) { () -> Void? in
            try python.check()
            let reply = try ask(function, ["number": -1])
            return reply["error"] == nil ? () : nil
        }
    }
}

extension EngineProcess {
    /// Memory that the engine's process holds, in bytes.
    func residentBytes() throws -> Int {
        for line in text(of: "/proc/\(pid)/status").split(separator: "\n")
        where line.hasPrefix("VmRSS:") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            if words.count > 1, let kibibytes = Int(words[1]) { return kibibytes << 10 }
        }
        throw Failure("no VmRSS of process \(pid)")
    }
}

extension WebSocket {
    /// Sends binary messages until the peer takes nothing for a second, or `limit` bytes are sent.
    ///
    /// - Returns: bytes that were sent.
    func sendUntilStuck(_ payload: [UInt8], limit: Int) throws -> Int {
        var sent = 0
        while sent < limit {
            guard try send(binary: payload, within: 1) else { return sent }
            sent += payload.count
        }
        return sent
    }
}
