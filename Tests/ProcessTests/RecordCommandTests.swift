import Foundation
import Testing

extension LongPrograms {
    /// The verbs of `iii-log` that choose, count and export records.
    @Suite("Records from the command line")
    struct RecordCommandTests {
        private let engine: EngineProcess

        /// Three messages for a function that handles them, and one that nobody does.
        init() throws {
            engine = try EngineProcess.started()
            let worker = try RawWorker.ready(engine, functions: ["orders::create"])
            let enqueue: Envelope = ["type": "enqueue", "queue": "default"]
            for number in 1...3 {
                let order: Envelope = ["n": number, "card": ["number": "4111-\(number)"]]
                let reply = try worker.ask("orders::create", order, action: enqueue)
                #expect(reply["error"] == nil, "\(JSON.text(reply))")
                try worker.answer(worker.dispatch("orders::create"), ["done": number])
            }
            _ = try worker.ask("nobody::home", [:], action: enqueue)
            _ = try eventually("all are acknowledged") { () -> Bool? in
                let shown = try engine.log("show", "--json", "kind=acked", "queue=default")
                return shown.output.split(separator: "\n").count == 3 ? true : nil
            }
        }
    }
}

extension LongPrograms.RecordCommandTests {
    /// The lines of JSON that a verb prints.
    private func rows(_ told: Outcome) -> [Envelope] {
        #expect(told.ending == .exit(0), "\(told.all)")
        return told.output.split(separator: "\n").map { JSON.object(String($0)) }
    }

    @Test("show takes fields, and an offset beside them")
    func show() throws {
        let orders = ["kind=enqueued", "function=orders::create"]
        let shown = rows(try engine.log("show", "queue=default", orders[0], orders[1], "--json"))
        let offsets = shown.compactMap { $0["offset"] as? Int }
        try #require(offsets.count == 3)
        #expect(shown.allSatisfy { $0["kind"] as? String == "enqueued" })
        let later = rows(
            try engine.log("show", orders[0], "\(offsets[1])", orders[1], "-o", "json")
        )
        #expect(later.compactMap { $0["offset"] as? Int } == Array(offsets[1...]))
        // The verb may stand behind the place, and the terms before an option.
        let first = try engine.log("show", "-n", "1", orders[0], "--from", "\(offsets[0])")
        #expect(first.output.contains("orders::create"), "\(first.all)")
    }

    @Test("stats, fields and values count, and print JSON where nobody looks")
    func counts() throws {
        let kinds = rows(try engine.log("stats", "function=orders::create", "kind=enqueued"))
        #expect(kinds.count == 1)
        #expect(kinds.first?["kind"] as? String == "enqueued")
        #expect(kinds.first?["records"] as? Int == 3)
        let queues = rows(try engine.log("stats", "--by", "queue", "--kind", "enqueued,acked"))
        #expect(queues.first?["queue"] as? String == "default")
        #expect(queues.first?["records"] as? Int == 7)
        let times = rows(try engine.log("stats", "--hist", "kind=acked"))
        let acks = times.first { $0["histogram"] as? String == "enqueue_to_ack" }
        #expect(acks?["count"] as? Int == 3, "\(JSON.text(times))")
        let functions = rows(try engine.log("values", "function", "kind=enqueued"))
        #expect(functions.map { $0["value"] as? String } == ["orders::create", "nobody::home"])
        #expect(functions.map { $0["records"] as? Int } == [3, 1])
        let fields = rows(try engine.log("fields", "--json"))
        let receipt = fields.first { $0["field"] as? String == "receipt" }
        let kindsOfIt = try #require(receipt?["kinds"] as? Envelope)
        #expect(JSON.text(kindsOfIt) == #"{"enqueued":4}"#)
    }

    @Test("an export hides what it is told to, and writes over nothing")
    func export() throws {
        let whole = try engine.log("export", "kind=enqueued")
        let shown = try engine.log("show", "kind=enqueued", "--json")
        #expect(whole.output == shown.output)
        #expect(whole.output.contains("4111-3"))
        let hidden = try engine.log(
            "export",
            "kind=enqueued",
            "--redact",
            "payload.card.number,payload.pin"
        )
        #expect(hidden.ending == .exit(0), "\(hidden.all)")
        #expect(!hidden.output.contains("4111"))
        #expect(hidden.output.contains(#""card":{"number":"[REDACTED]"},"n":2"#))
        #expect(hidden.errors.contains("payload.pin"))
        #expect(!hidden.errors.contains("card"))

        let file = engine.scratch("orders.jsonl")
        let written = try engine.log("export", "kind=enqueued", "--into", file)
        #expect(written.ending == .exit(0), "\(written.all)")
        #expect(written.output.isEmpty)
        #expect(text(of: file) == whole.output)
        let again = try engine.log("export", "--into", file)
        #expect(again.ending == .exit(78), "\(again.all)")
        #expect(again.errors.contains("error[export.exists]"))
        #expect(text(of: file) == whole.output)
    }

    @Test("nothing found is told and is no error")
    func nothing() throws {
        for verb in [["show"], ["stats"], ["fields"], ["values", "key"], ["export"]] {
            let told = try run(
                [Project.log, "-D", engine.data] + verb + ["queue=other"],
                in: engine.scratch
            )
            #expect(told.ending == .exit(0), "\(verb): \(told.all)")
            #expect(told.output.isEmpty, "\(verb): \(told.all)")
            #expect(told.errors.hasPrefix("note: "), "\(verb): \(told.all)")
        }
    }

    @Test("what makes no sense is 2, with a code and the nearest name")
    func refused() throws {
        let wrong: [([String], String)] = [
            (["show", "quue=mails"], "show.unknown_field"),
            (["stats", "queue"], "show.malformed_filter"),
            (["stats", "--by", "worker"], "usage"),
            (["show", "1", "2"], "usage"),
            (["show", "1", "--from", "2"], "usage"),
            (["values", "quue"], "show.unknown_field"),
            (["values", "kind", "-n", "-1"], "usage"),
            (["fields", "kind=enqueud"], "show.unknown_kind"),
            (["export", "--redact", "paylod.card"], "show.unknown_field"),
            (["export", "--redact", "payload..card"], "export.malformed_path"),
        ]
        for (arguments, code) in wrong {
            let told = try run(
                [Project.log, "-D", engine.data] + arguments,
                in: engine.scratch
            )
            #expect(told.ending == .exit(2), "\(arguments): \(told.all)")
            #expect(told.errors.contains("error[\(code)]"), "\(arguments): \(told.all)")
            #expect(told.output.isEmpty, "\(arguments): \(told.all)")
        }
        let near = try engine.log("stats", "quue=mails")
        #expect(near.errors.contains("nearest are queue"), "\(near.all)")
    }
}
