import ConfigurationEntries
import Events
import Folding
import JSON
import LogTools
import Primitives
import RecordFormat
import Testing

@testable import Engine

@Suite("Configuration entries")
struct ConfigurationTests {
    private func lab(
        ttl: UInt64? = nil,
        variables: [String: String] = ["NAME": "hidden"]
    ) throws -> (Lab, Peer) {
        let lab = try Lab {
            $0.placeholders = Placeholders(variables: variables, version: "1", bytesMax: 1000)
            $0.configurationTTL = ttl
        }
        return (lab, try lab.join("w", serving: "f", "c"))
    }

    private static func registration(_ id: String = "mail", _ more: String = "") -> String {
        #"{"id":"\#(id)","name":"Mail","description":"d","schema":{"type":["object","null"]}\#(more)}"#
    }

    private func get(_ id: String = "mail", _ lab: Lab, _ worker: Peer) throws -> String {
        let value = try lab.value(of: "configuration::get", #"{"id":"\#(id)"}"#, by: worker)
        return try #require(value.member("value")).description
    }

    @Test("records hold values as they were written, functions get what they stand for")
    func secrets() throws {
        let (lab, worker) = try lab()
        try lab.settle(
            .trigger(worker, "configuration", #"{"condition_function_id":"c"}"#, to: "f")
        )
        let more = #","initial_value":{"user":"${NAME}"}"#
        let call = Command.call(worker, "configuration::register", Self.registration("mail", more))
        let asked = try #require(try lab.settle(call).dispatches.first)
        #expect(String(decoding: asked.payload, as: UTF8.self).contains("hidden"))
        let run = try #require(try lab.settle(.answer(worker, asked.invocation)).dispatches.first)
        let expected = #""old_value":null,"new_value":{"user":"hidden"}"#
        #expect(String(decoding: run.payload, as: UTF8.self).contains(expected))
        try lab.settle(.answer(worker, run.invocation))
        #expect(try get("mail", lab, worker) == #"{"user":"hidden"}"#)
        for event in try lab.recordedEvents() { #expect(!event.text.contains("hidden")) }
        #expect(lab.isQuiet)
    }

    @Test("a restart, a snapshot and a digest have all of it; retention keeps what made it")
    func folded() throws {
        let first = try Lab(segmentBytes: 64 << 10)
        let worker = try first.join("w")
        let value = String(repeating: "x", count: 1000)
        func call(_ function: String, _ input: String) throws {
            _ = try first.value(of: "configuration::\(function)", input, by: worker)
        }
        try call("register", Self.registration("mail", #","initial_value":{"a":1}"#))
        for number in 0..<40 {
            try call("set", #"{"id":"mail","value":{"n":\#(number),"v":"\#(value)"}}"#)
        }
        // Its description is younger than its value.
        try call("register", Self.registration("mail", #","metadata":{"team":"x"}"#))
        try call("register", Self.registration("other"))
        for number in 0..<40 {
            let set = #"{"scope":"s","key":"\#(number)","value":"\#(value)\#(value)"}"#
            _ = try first.value(of: "state::set", set, by: worker)
        }
        let views = first.engine.views
        var kept: [String] = []
        for (number, event) in try first.recordedEvents().enumerated() {
            guard case .configuration(let change) = event,
                views.needs(event, at: Offset(UInt64(number)))
            else { continue }
            if case .set = change { kept.append("set") } else { kept.append("registered") }
        }
        #expect(kept == ["set", "registered", "registered"])
        first.disk.crash(keepingWrite: false)
        let second = try Lab(
            disk: first.disk,
            at: first.now.wall,
            life: 2,
            segmentBytes: 64 << 10,
            snapshotUntil: first.disk.sealedEnd
        )
        #expect(
            second.recoveredDigest.configuration == views.work.configuration.digest()
        )
        let next = try second.join("w")
        #expect(try get("mail", second, next).hasPrefix(#"{"n":39,"#))
        // Without what retention removes, it is the same.
        var fold = ConfigurationView()
        for (number, event) in try first.recordedEvents().enumerated() {
            let offset = Offset(UInt64(number))
            guard case .configuration(let change) = event, views.needs(event, at: offset) else {
                continue
            }
            fold.apply(change, at: offset)
        }
        #expect(fold.digest() == views.work.configuration.digest())
    }

    @Test("an entry that its last trigger leaves goes after a while, unless another comes")
    func unused() throws {
        let (lab, worker) = try lab(ttl: 5_000_000_000)
        _ = try lab.value(of: "configuration::register", Self.registration(), by: worker)
        let bound = #"{"configuration_id":"mail"}"#
        try lab.settle(.trigger(worker, "configuration", bound, to: "f", id: "a"))
        try lab.settle(.register(worker.connection, .removeTrigger(id: "a")))
        lab.pass(seconds: 4)
        try lab.settle(.trigger(worker, "configuration", bound, to: "f", id: "b"))
        lab.pass(seconds: 10)
        try lab.settle()
        #expect(try get("mail", lab, worker) == "null")
        try lab.settle(.trigger(worker, "configuration", "{}", to: "f", id: "all"))
        try lab.settle(.register(worker.connection, .removeTrigger(id: "b")))
        lab.pass(seconds: 5)
        let gone = try #require(try lab.settle().dispatches.first)
        let event = String(decoding: gone.payload, as: UTF8.self)
        #expect(event.contains(#""event_type":"configuration:deleted","id":"mail""#))
        #expect(event.contains(#""new_value":null"#))
        let missing = try lab.failure(of: "configuration::get", #"{"id":"mail"}"#, by: worker)
        #expect(missing.code == "NOT_FOUND")
    }

    @Test("so does one whose last trigger becomes one for another")
    func rebound() throws {
        let (lab, worker) = try lab(ttl: 5_000_000_000)
        for id in ["mail", "other"] {
            _ = try lab.value(of: "configuration::register", Self.registration(id), by: worker)
        }
        for id in ["mail", "other"] {
            let bound = #"{"configuration_id":"\#(id)"}"#
            try lab.settle(.trigger(worker, "configuration", bound, to: "f", id: "a"))
        }
        // The same once more is no change.
        let same = #"{"configuration_id":"other"}"#
        try lab.settle(.trigger(worker, "configuration", same, to: "f", id: "a"))
        lab.pass(seconds: 5)
        try lab.settle()
        let missing = try lab.failure(of: "configuration::get", #"{"id":"mail"}"#, by: worker)
        #expect(missing.code == "NOT_FOUND")
        #expect(try get("other", lab, worker) == "null")
    }

    @Test(
        "a trigger for an id that no entry can have is refused",
        arguments: ["", "Not An Id", "a.b"]
    )
    func impossibleEntry(id: String) throws {
        let (lab, worker) = try lab()
        let bound = #"{"configuration_id":"\#(id)"}"#
        let left = try lab.settle(.trigger(worker, "configuration", bound, to: "f"))
        #expect(left.lines.first?.contains("of a-z, 0-9, _ and -") == true, "\(left.lines)")
    }

    @Test("a file counts when it says something new; what a function sets stands until then")
    func files() throws {
        let (lab, worker) = try lab()
        func file(_ hash: UInt64, _ value: String) -> EntryFile {
            let value = JSONText(trusted: Array(value.utf8))
            return EntryFile(id: "mail", hash: hash, content: EntryFile.Content(value: value))
        }
        try lab.settle(.takeFiles([file(1, #"{"a":1}"#)]))
        #expect(try get("mail", lab, worker) == #"{"a":1}"#)
        let set = #"{"id":"mail","value":{"a":2}}"#
        #expect(
            try lab.failure(of: "configuration::set", set, by: worker).code == "SCHEMA_UNAVAILABLE"
        )
        _ = try lab.value(of: "configuration::register", Self.registration(), by: worker)
        _ = try lab.value(of: "configuration::set", set, by: worker)
        try lab.settle(.takeFiles([file(1, #"{"a":1}"#)]))
        #expect(try get("mail", lab, worker) == #"{"a":2}"#)
        // What its schema forbids is not taken, and one that cannot be read is not gone.
        for _ in 0..<2 { try lab.settle(.takeFiles([file(2, "7")])) }
        let told = lab.engine.takeNotices().filter { $0.text.contains("mail is not taken") }
        #expect(told.count == 1, "once, however often the files are read")
        try lab.settle(.takeFiles([EntryFile(id: "mail", hash: 0, content: nil)]))
        #expect(try get("mail", lab, worker) == #"{"a":2}"#)
        try lab.settle(.takeFiles([file(3, #"{"a":3}"#)]))
        #expect(try get("mail", lab, worker) == #"{"a":3}"#)

        lab.disk.crash(keepingWrite: false)
        let next = try Lab(disk: lab.disk, at: lab.now.wall, life: 2)
        let other = try next.join("w")
        let before = try next.recordedEvents().count
        try next.settle(.takeFiles([file(3, #"{"a":3}"#)]))
        #expect(try next.recordedEvents().count == before)
        try next.settle(.takeFiles([]))
        let missing = try next.failure(of: "configuration::get", #"{"id":"mail"}"#, by: other)
        #expect(missing.code == "NOT_FOUND")
    }

    @Test("a trigger cannot run what would fire it")
    func loops() throws {
        let (lab, worker) = try lab()
        let left = try lab.settle(
            .trigger(worker, "configuration", "{}", to: "configuration::set")
        )
        #expect(left.lines.first?.contains("would fire itself") == true)
    }

    @Test("what is too large is refused before its schema is read, or held against one")
    func sizeFirst() throws {
        let (lab, worker) = try lab()
        let large = String(repeating: "x", count: ConfigurationView.entryBytesMax)
        // Were it read, it would be refused for its type.
        let schema = #"{"type":7,"title":"\#(large)"}"#
        let input = #"{"id":"mail","name":"Mail","description":"d","schema":\#(schema)}"#
        let refused = try lab.failure(of: "configuration::register", input, by: worker)
        #expect(refused.code == "ADAPTER_ERROR")
        _ = try lab.value(of: "configuration::register", Self.registration(), by: worker)
        let text = #"{"id":"mail","value":"\#(large)"}"#
        let other = try lab.failure(of: "configuration::set", text, by: worker)
        #expect(other.code == "ADAPTER_ERROR", "and not for being no object")
    }

    @Test("there is no room for ever more")
    func bounds() throws {
        let (lab, worker) = try lab()
        let large = String(repeating: "x", count: ConfigurationView.entryBytesMax)
        let more = #","metadata":"\#(large)""#
        let input = Self.registration("mail", more)
        let refused = try lab.failure(of: "configuration::register", input, by: worker)
        #expect(refused.code == "ADAPTER_ERROR")
        for number in 0..<ConfigurationView.entriesMax {
            let input = Self.registration("e\(number)")
            try lab.turn(.call(worker, "configuration::register", input))
        }
        let last = try lab.failure(of: "configuration::register", Self.registration(), by: worker)
        #expect(last.code == "ADAPTER_ERROR")
        _ = try lab.value(of: "configuration::register", Self.registration("e7"), by: worker)
    }
}

extension Event {
    /// Its bytes, where they are text.
    fileprivate var text: String {
        var bytes = [UInt8](repeating: 0, count: byteCount)
        bytes.withUnsafeMutableBytes {
            var writer = ByteWriter($0)
            encode(into: &writer)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
